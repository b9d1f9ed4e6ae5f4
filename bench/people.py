"""Made-up people with the skew of a real directory, the same ones in every run.

A few hundred names in several languages and scripts, of which some are very common, and a tail of
rare ones; five mail domains for four fifths of the addresses; phones in the formats of several
countries.
"""

import random
from collections import Counter
from collections.abc import Iterator
from itertools import accumulate
from typing import Any

DOMAINS = {"gmail.com": 36, "outlook.com": 14, "yahoo.com": 12, "hotmail.com": 10, "icloud.com": 8}
OTHER_ENDINGS = ("com", "com", "org", "net", "de", "io", "com.au")
SYLLABLES = [consonant + vowel for consonant in "bdfghklmnprstvz" for vowel in "aeiou"]
FIRST = """
linda maria anna john peter wei mohammed jose olga ivan emma noah olivia liam sophia lucas mia
ethan amelia daniel grace samuel chloe henry zoe oscar ruby felix clara hugo ines marta paulo
bruno carla diego elena fabio gina hector irene jorge karla luis nina pablo rosa sergio teresa
viktor wanda xenia yara zofia aisha bilal dalia emir farah hassan jamal khalid layla nadia omar
rania salma tariq yusuf akira haruka kenji mei naoki sakura takumi yui chen fang hua jing lei min
ping qiang tao xin yan zhen christopher alexander elisabeth jean-pierre anne-marie
""".split()
FIRST_ACCENTED = """José Søren Łukasz Zoë Renée Björn Jürgen François Ångström Nuño Đorđe Çağla
Žofia Ömer Ólafur Małgorzata Þóra Anaïs Hélène João""".split()
LAST = """olsen smith garcia wang nguyen kim mueller schmidt rossi silva santos kowalski novak
ivanov petrov tanaka suzuki sato johansson andersson hansen larsen jensen nielsen martin bernard
dubois moreau lopez gonzalez hernandez perez sanchez ramirez torres khan ahmed ali hussain singh
kumar sharma patel gupta chen li zhang liu yang huang zhao wu zhou brown jones miller davis wilson
taylor thomas moore jackson white harris clark lewis walker hall allen young king wright scott
green baker adams nelson carter mitchell roberts turner phillips campbell parker evans edwards
collins stewart morris murphy cook rogers morgan cooper peterson reed bailey bell howard ward
o'neil o'brien mcdonald van-dijk de-vries fitzgerald""".split()
LAST_ACCENTED = """Müller Strauß Sørensen Łapiński Nuñez Dvořák Öztürk Çelik Þórsson Lefèvre Gómez
Åkesson Bjørnson Đoković Königsmann""".split()
HAN_FIRST = "小明 伟 芳 娜 秀英 敏 静 丽 强 磊 军 洋 勇 艳 杰 太郎 花子 健一 さくら 結衣".split()
HAN_LAST = "王 李 张 刘 陈 杨 黄 赵 吴 周 山田 佐藤 鈴木 高橋 田中".split()
CYRILLIC_FIRST = "Ольга Иван Мария Сергей Анна Дмитрий Елена Алексей".split()
CYRILLIC_LAST = "Иванов Петров Сидоров Кузнецова Смирнов Попова Волкова".split()
COUNTRIES = ("+1", "+44", "+49", "+61", "+45", "+48", "+86", "+33")


def people(count: int, seed: int = 7) -> Iterator[dict[str, Any]]:
    """`count` people as the keyword arguments of `contacts.create_contact`."""
    dice = random.Random(seed)
    last_names = _Skewed([*LAST, *(_made_up(dice).title() for _ in range(400))])
    domains = [f"{_made_up(dice)}.{dice.choice(OTHER_ENDINGS)}" for _ in range(2000)]
    common_domains = _Skewed(list(DOMAINS), list(DOMAINS.values()))
    taken: Counter[str] = Counter()
    for _ in range(count):
        first, last, local = _name(dice, last_names)
        if dice.random() < 0.3:
            local += f"{dice.randrange(50, 106) % 100:02}"
        address = f"{local}@{common_domains(dice) if dice.random() < 0.8 else dice.choice(domains)}"
        taken[address] += 1
        if taken[address] > 1:
            address = address.replace("@", f"-{taken[address]}@")
        yield {
            "first_name": first,
            "last_name": last,
            "email": address if dice.random() < 0.95 else None,
            "phone": _phone(dice) if dice.random() < 0.7 else None,
        }


class _Skewed:
    """Words of which the first ones come most often; by the law of Zipf if not told how often."""

    def __init__(self, words: list[str], weights: list[int] | None = None) -> None:
        self.words = words
        self.sums = list(accumulate(weights or (1 / (place + 3) for place in range(len(words)))))

    def __call__(self, dice: random.Random) -> str:
        return dice.choices(self.words, cum_weights=self.sums)[0]


_first_names = _Skewed(FIRST)


def _made_up(dice: random.Random) -> str:
    return "".join(dice.choices(SYLLABLES, k=dice.randint(2, 4)))


def _name(dice: random.Random, last_names: _Skewed) -> tuple[str, str, str]:
    """First name, last name, and the beginning of a mail address."""
    kind = dice.random()
    if kind < 0.03:
        first, last = dice.choice(HAN_FIRST), dice.choice(HAN_LAST)
        return first, last, f"{dice.choice(FIRST)}{dice.randrange(10_000)}"
    if kind < 0.06:
        first, last = dice.choice(CYRILLIC_FIRST), dice.choice(CYRILLIC_LAST)
        return first, last, f"{dice.choice(FIRST)}{dice.randrange(10_000)}"
    first = _first_names(dice)
    last = last_names(dice) if dice.random() < 0.85 else _made_up(dice)
    local = f"{first[: dice.choice([1, 20])]}{dice.choice(['.', '_', ''])}{last.lower()}"
    if dice.random() < 0.08:
        first = dice.choice(FIRST_ACCENTED)
    if dice.random() < 0.08:
        last = dice.choice(LAST_ACCENTED)
    return first.title(), last.title(), local.replace("'", "")


def _phone(dice: random.Random) -> str:
    country, digits = dice.choice(COUNTRIES), f"{dice.randrange(10**9):09}"
    spaced = f"{digits[:3]} {digits[3:6]} {digits[6:]}"
    return dice.choice(
        [f"{country} {spaced}", f"0{spaced}", f"{country}{digits}", f"0{digits[:2]}-{digits[2:]}"]
    )
