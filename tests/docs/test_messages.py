"""docs/messages.md: its mail is taken in."""

from pathlib import Path

from tests.docs.pages import FOLDER, examples, new_app, run
from tests.docs.test_api import EXAMPLES


def test_the_mail_shown_is_taken_in(tmp_path: Path) -> None:
    (mail,) = [example for example in examples(FOLDER / "messages.md") if "curl" in example.script]
    *_, answer = run([EXAMPLES[0].script, mail.script], new_app(tmp_path), tmp_path)
    assert answer.statuses == [mail.status]
    assert '"content"' not in answer.text
    assert '"first_name":"Jo"' in answer.text
