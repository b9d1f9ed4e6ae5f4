"""The words of the made-up directory: phone numbers, companies, messages to a help desk.

mimesis has the names. In a phone number # stands for any digit, % for a digit from 2 to 9.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Country:
    """A locale of mimesis. Of its people, `common` in a hundred have one of the `surnames`."""

    locale: str
    weight: int
    phones: tuple[str, ...]
    companies: tuple[str, ...]  # {} is a family name
    surnames: str = ""
    common: int = 40


COUNTRIES = (
    Country(
        "en",
        16,
        ("+1 %##-555-####", "+1 (%##) 555-####", "+1%##555####"),
        ("{} & Sons", "{} Ltd", "{} Partners", "{} Logistics"),
        "Smith Johnson Williams Brown Jones Miller Davis Wilson Anderson Taylor Thomas Moore",
    ),
    Country(
        "en-gb",
        8,
        ("+44 7700 9#####", "+44 (0)20 7946 0###", "07700 9#####"),
        ("{} & Co", "{} Ltd", "{} Group"),
        "Smith Jones Taylor Brown Williams Wilson Johnson Davies O'Brien Robinson Wright Walker",
    ),
    Country(
        "en-au",
        8,
        ("+61 4## ### ###", "04## ### ###", "+61 2 #### ####"),
        ("{} Pty Ltd", "{} Trading"),
        "Smith Jones Williams Brown Wilson Taylor Nguyen Johnson Martin White Olsen Lee",
    ),
    Country(
        "de",
        9,
        ("+49 30 ########", "+49 17# #######", "+49 (0)89 ######", "030/#######"),
        ("{} GmbH", "{} & Söhne", "{} AG"),
        "Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Groß Schäfer",
    ),
    Country(
        "nl",
        6,
        ("+31 6 ########", "+31 20 ### ####", "06-########"),
        ("{} B.V.", "Van {} & Zn"),
        "'t_Hart de_Jong Jansen de_Vries van_den_Berg Bakker Visser Smit Meijer de_Boer Mulder Bos",
    ),
    Country("pl", 5, ("+48 ### ### ###", "+48 22 ### ## ##"), ("{} Sp. z o.o.",)),
    Country(
        "da",
        4,
        ("+45 ## ## ## ##", "+45 #### ####"),
        ("{} ApS", "{} A/S"),
        "Nielsen Jensen Hansen Andersen Pedersen Christensen Larsen Sørensen Rasmussen Jørgensen",
    ),
    Country(
        "sv",
        4,
        ("+46 70 ### ## ##", "+46 8 ### ### ##", "070-### ## ##"),
        ("{} AB",),
        "Andersson Johansson Karlsson Nilsson Eriksson Larsson Olsson Persson Svensson Åkesson",
    ),
    Country(
        "no",
        3,
        ("+47 ### ## ###", "+47 ## ## ## ##"),
        ("{} AS",),
        "Hansen Johansen Olsen Larsen Andersen Pedersen Nilsen Kristiansen Bjørnstad Ødegård",
    ),
    Country("is", 1, ("+354 ### ####",), ("{} ehf",)),
    Country("fi", 2, ("+358 4# ### ####", "+358 9 #######"), ("{} Oy",)),
    Country(
        "fr",
        6,
        ("+33 6 ## ## ## ##", "+33 1 ## ## ## ##", "06 ## ## ## ##"),
        ("{} SARL", "{} et Fils"),
        "Martin Bernard Thomas Petit Robert Richard Durand Dubois Moreau Lefèvre Léger Garnier",
    ),
    Country(
        "es",
        6,
        ("+34 6## ### ###", "+34 91 ### ## ##"),
        ("{} S.L.", "Hermanos {}"),
        "García Rodríguez González Fernández López Martínez Sánchez Pérez Gómez Muñoz Núñez Ibáñez",
    ),
    Country(
        "pt",
        3,
        ("+351 9## ### ###", "+351 21 ### ####"),
        ("{} Lda",),
        "Silva Santos Ferreira Pereira Oliveira Costa Rodrigues Martins Gonçalves Araújo",
    ),
    Country(
        "it",
        3,
        ("+39 3## ### ####", "+39 06 #######"),
        ("{} S.r.l.", "Fratelli {}"),
        "Rossi Russo Ferrari Esposito Bianchi Romano Colombo Ricci Marino D'Angelo De_Luca Niccolò",
    ),
    Country(
        "tr",
        3,
        ("+90 5## ### ## ##", "+90 (212) ### ## ##"),
        ("{} A.Ş.",),
        "Yılmaz Kaya Demir Çelik Şahin Yıldız Yıldırım Öztürk Aydın Özdemir Işık Güneş",
    ),
    Country("el", 2, ("+30 69# ### ####", "+30 21# ### ####"), ("{} Α.Ε.",)),
    Country("ru", 3, ("+7 9## ###-##-##", "+7 (495) ###-##-##"), ("ООО «{}»",)),
    Country("uk", 3, ("+380 67 ### ## ##", "+380 44 ### ## ##"), ("ТОВ «{}»",)),
    Country(
        "ja",
        4,
        ("+81 90-####-####", "+81 3-####-####", "090-####-####"),
        ("{}商事", "株式会社{}"),
        "佐藤 鈴木 高橋 田中 伊藤 渡辺 山本 中村 小林 加藤 吉田 山田",
    ),
    Country(
        "zh",
        4,
        ("+86 13# #### ####", "+86 10 #### ####"),
        ("{}氏集团", "{}记"),
        "王 李 张 刘 陈 杨 赵 黄 周 吴 徐 孙 胡 朱 高 林 何 郭 马 罗",
        80,
    ),
    Country(
        "ko",
        3,
        ("+82 10-####-####", "+82 2-###-####"),
        ("{}상사",),
        "김 이 박 최 정 강 조 윤 장 임 한 오 서 신 권 황 안 송 류 홍",
        100,
    ),
    Country("ar-eg", 2, ("+20 10# ### ####", "+20 2 #### ####"), ("شركة {}",)),
    Country("fa", 1, ("+98 912 ### ####", "+98 21 #### ####"), ("شرکت {}",)),
)

DOMAINS = (
    "example.com", "example.com", "example.com", "example.org", "example.net",
    "mail.example.com", "mail.example.net", "post.example", "studio.example", "shop.example",
)  # fmt: skip

# For addresses of people whose names are written in other scripts than Latin.
HANDLES = (
    "sunny", "river", "blue.sky", "maple", "paper.boat", "quiet.owl", "north.star", "tea.time",
    "garden", "lemon", "silver.fox", "night.train", "harbour", "violet", "cloud9", "red.panda",
)  # fmt: skip

TIERS = ("bronze", "silver", "gold", "platinum")

AGENTS = (
    ("17", "Bob Smith"), ("18", "Amira Haddad"), ("21", "Jürgen Voß"), ("23", "Mei Tanaka"),
    ("auth0|5f1", "Łucja Wójcik"),
)  # fmt: skip

# Subject, and the message that begins the conversation; {n} is a number.
TOPICS = (
    ("Invoice {n} is wrong", "Invoice {n} lists two seats, but we only have one since March."),
    ("Where is my order {n}?", "My order {n} was due on Tuesday and tracking still says “packed”."),
    ("Can't log in", "I reset my password twice and the new one is refused. Is my account locked?"),
    ("Change of address", "We have moved. Please send everything from now on to our new office."),
    (
        "Refund for {n}",
        "The parcel with order {n} arrived with a torn corner, and the glass inside is broken. I "
        "attach three photos. I would rather have my money back than a replacement, because it "
        "was meant as a present for last weekend. Could you tell me how long a refund takes?",
    ),
    (
        "Export of our data",
        "Is there a way to export all our contacts as CSV? We need it by Friday.",
    ),
    ("App crashes on start", "Since the update the app closes right after the logo. Build {n}."),
    ("Cancel my subscription", "Please cancel my plan at the end of this month and confirm."),
    ("Discount for schools?", "Do you have prices for schools? We are about {n} pupils."),
    ("Delivery on Saturday", "Could the courier come on Saturday? Nobody is at home on weekdays."),
    ("API returns 429", "Our nightly job gets 429 after {n} requests. What is the limit?"),
    ("Warranty", "The hinge came loose after a year. Is that still under warranty? Serial {n}."),
    ("Rechnung {n} fehlt", "Guten Tag, die Rechnung {n} ist bei uns nie angekommen. Danke & Grüße"),
    ("Passwort vergessen", "Hallo, der Link zum Zurücksetzen läuft bei mir sofort ab."),
    ("Retard de livraison", "Bonjour, ma commande {n} devait arriver lundi. Où est-elle ?"),
    ("Pedido {n} incompleto", "Hola, en el pedido {n} falta una pieza. ¿Pueden enviarla?"),
    ("Factuur {n}", "Beste, op factuur {n} staat het verkeerde btw-nummer."),
    ("注文{n}について", "注文{n}の発送日を教えていただけますか。よろしくお願いいたします。"),
    ("发票问题", "您好，订单{n}的发票抬头有误，请帮忙更换，谢谢。"),
    ("Вопрос по заказу {n}", "Здравствуйте! Когда будет отправлен заказ {n}?"),
)

SPAM = (
    ("You have WON", "Congratulations! Claim your prize number {n} before midnight."),
    ("Re: cheap watches", "Best replica watches, {n} models in stock, worldwide shipping."),
    ("Rank #1 on every search engine", "We saw your website and can bring {n} visitors a day."),
)

REPLIES = (
    "Thanks for getting in touch. I am looking into it and will be back by tomorrow.",
    "Sorry about that! I have corrected it; you should see the change within the hour.",
    "Could you send me a screenshot, please? Then I can pass it on to our developers.",
    "I have spoken with the warehouse: it leaves today, number {n}.",
    "That is done. Is there anything else that I can help with?",
    "The refund is on its way and takes three to five working days to reach your account.",
)

FOLLOW_UPS = (
    "That was quick, thank you!",
    "Hm, I still see the same thing here. Any news?",
    "Here it is. It happens every time, on both of our computers.",
    "Perfect, that solved it.",
    "Thanks. My colleague has the same question, so I have put her in copy.",
)

NOTES = (
    "Spoke with this customer on the phone — wants invoice changes.",
    "Prefers to be called in the afternoon.",
    "Decides together with the finance department; always copy them in.",
    "Asked twice about the yearly plan. Worth a call in autumn.",
    "Please answer in the customer's own language.",
    "Very patient during the outage. Offered a month for free (ticket {n}).",
    "Careful: there are two people of this name at the company.",
    "Moved offices:\n- new address is on invoice {n}\n- old phone number is still in use",
)
