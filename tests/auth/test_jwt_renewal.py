"""How the keys that check tokens are fetched, kept and renewed."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from contacts_service.auth import jwks
from contacts_service.errors import UnavailableError
from tests.jwt_signing import (
    RSA,
    RSA_TWO,
    claims,
    hs256,
    is_refused,
    jwk,
    jwks_file,
    old_token,
    signed,
    verifier,
)

MINUTE = 60.0


class FakeClock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class JwksEndpoint:
    """A JWKS document on 127.0.0.1: counts its requests, and can fail, hang and trickle."""

    def __init__(self) -> None:
        self.document = b""
        self.status = 200
        self.headers: dict[str, str] = {}
        self.count = 0
        self.is_trickling = False
        self.arrived = threading.Event()
        self.gate = threading.Event()
        self.gate.set()
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                endpoint.count += 1
                endpoint.arrived.set()
                endpoint.gate.wait(20)
                self.send_response(endpoint.status)
                for name, value in endpoint.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                if endpoint.is_trickling:
                    self.write_slowly()
                else:
                    self.wfile.write(endpoint.document)

            def write_slowly(self) -> None:
                try:
                    for _ in range(400):
                        self.wfile.write(b" ")
                        time.sleep(0.05)
                except OSError:
                    pass  # the reader has left

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/jwks.json"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def publish(self, *keys: dict[str, Any]) -> None:
        self.document = json.dumps({"keys": keys}).encode()

    def hold(self) -> None:
        """Let no request be answered until `release`."""
        self.arrived.clear()
        self.gate.clear()

    def trickle(self) -> None:
        """Answer a byte at a time, until `release`."""
        self.is_trickling = True

    def release(self) -> None:
        self.is_trickling = False
        self.gate.set()

    def close(self) -> None:
        self.release()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[JwksEndpoint]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    endpoint = JwksEndpoint()
    endpoint.publish(jwk(RSA, kid="one"))
    yield endpoint
    endpoint.close()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as pool:
        yield pool


def new_token() -> str:
    return signed(RSA_TWO, "RS256", "two")


def test_jwks_url_is_read_with_the_first_token_and_kept(
    endpoint: JwksEndpoint, clock: FakeClock
) -> None:
    made = verifier(clock, jwks=endpoint.url)
    assert endpoint.count == 0

    for _ in range(3):
        assert made.verify(old_token()).agent_id == "17"
    assert endpoint.count == 1


def test_jwks_url_that_does_not_answer_is_503_until_it_does(
    endpoint: JwksEndpoint, clock: FakeClock
) -> None:
    endpoint.status = 500
    made = verifier(clock, jwks=endpoint.url)
    for _ in range(3):
        with pytest.raises(UnavailableError):
            made.verify(old_token())
    assert endpoint.count == 1

    endpoint.status = 200
    clock.now += 1
    assert made.verify(old_token()).agent_id == "17"


def test_nobody_listening_is_503(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with pytest.raises(UnavailableError):
        verifier(jwks="http://127.0.0.1:1/jwks.json").verify(old_token())


@pytest.mark.parametrize(
    ("status", "headers", "document"),
    [
        (404, {}, None),
        (204, {}, b""),
        (200, {}, b"<html>"),
        (200, {}, b'{"keys": {}}'),
        (200, {}, b"[" * 100_000),
        (200, {}, None),
        (302, {"Location": "file:///etc/hostname"}, b""),
        (302, {"Location": "/jwks.json"}, b""),
        (200, {"Content-Length": "99999"}, b'{"keys'),
    ],
)
def test_answer_that_is_no_jwks_is_503(
    status: int, headers: dict[str, str], document: bytes | None, endpoint: JwksEndpoint
) -> None:
    if status == 200 and document is None:
        document = endpoint.document.ljust(1_048_577)
    endpoint.status, endpoint.headers = status, headers
    endpoint.document = endpoint.document if document is None else document

    with pytest.raises(UnavailableError):
        verifier(jwks=endpoint.url).verify(old_token())
    assert endpoint.count == 1


def test_token_that_no_key_could_suit_causes_no_reading(endpoint: JwksEndpoint) -> None:
    made = verifier(jwks=endpoint.url)
    for token in (hs256(claims(), {"alg": "HS256", "kid": "x"}), signed(None, "none"), "a.b.c"):
        assert is_refused(made, token)
    assert endpoint.count == 0


def test_new_key_is_accepted_at_once_after_a_rotation(
    endpoint: JwksEndpoint, clock: FakeClock
) -> None:
    made = verifier(clock, jwks=endpoint.url)
    made.verify(old_token())
    endpoint.publish(jwk(RSA, kid="one"), jwk(RSA_TWO, kid="two"))

    assert made.verify(new_token()).agent_id == "17"
    assert made.verify(old_token()).agent_id == "17"
    assert endpoint.count == 2


def test_jwks_file_is_read_again_for_an_unknown_kid(tmp_path: Path, clock: FakeClock) -> None:
    made = verifier(clock, jwks=jwks_file(tmp_path, jwk(RSA, kid="one")))
    jwks_file(tmp_path, jwk(RSA_TWO, kid="two"))

    assert made.verify(new_token()).agent_id == "17"
    assert is_refused(made, old_token())


def test_file_that_is_gone_leaves_the_keys_there_are(tmp_path: Path, clock: FakeClock) -> None:
    path = jwks_file(tmp_path, jwk(RSA, kid="one"))
    made = verifier(clock, jwks=path)
    Path(path).unlink()
    clock.now += 16 * MINUTE

    assert made.verify(old_token()).agent_id == "17"
    assert is_refused(made, new_token())


def test_flood_of_unknown_kids_makes_one_fetch_a_minute(
    endpoint: JwksEndpoint, clock: FakeClock, pool: ThreadPoolExecutor
) -> None:
    made = verifier(clock, jwks=endpoint.url)
    made.verify(old_token())
    flood = [signed(RSA, "RS256", f"unknown {number}") for number in range(40)]

    assert all(pool.map(lambda token: is_refused(made, token), flood))
    assert endpoint.count == 2
    clock.now += MINUTE - 1
    assert is_refused(made, flood[0])
    assert endpoint.count == 2
    clock.now += 1
    assert all(pool.map(lambda token: is_refused(made, token), flood))
    assert endpoint.count == 3


def test_failed_reread_counts_and_keeps_the_keys(endpoint: JwksEndpoint, clock: FakeClock) -> None:
    made = verifier(clock, jwks=endpoint.url)
    made.verify(old_token())
    endpoint.status = 503
    assert is_refused(made, new_token())
    assert made.verify(old_token()).agent_id == "17"

    endpoint.status = 200
    endpoint.publish(jwk(RSA_TWO, kid="two"))
    assert is_refused(made, new_token())
    assert endpoint.count == 2
    clock.now += MINUTE
    assert made.verify(new_token()).agent_id == "17"


@pytest.mark.parametrize("kid", ["one", None])
def test_withdrawn_key_stops_working_after_15_minutes(
    kid: str | None, endpoint: JwksEndpoint, clock: FakeClock
) -> None:
    made = verifier(clock, jwks=endpoint.url)
    token = signed(RSA, "RS256", kid)
    made.verify(token)
    endpoint.publish(jwk(RSA_TWO, kid="two"))

    clock.now += 15 * MINUTE - 1
    assert made.verify(token).agent_id == "17"
    clock.now += 1
    assert is_refused(made, token)
    assert endpoint.count == 2


def test_renewal_by_age_lasts_and_does_not_count_as_an_unknown_kid(
    endpoint: JwksEndpoint, clock: FakeClock
) -> None:
    made = verifier(clock, jwks=endpoint.url)
    made.verify(old_token())
    clock.now += 15 * MINUTE
    for _ in range(3):
        made.verify(old_token())
    assert endpoint.count == 2

    endpoint.publish(jwk(RSA_TWO, kid="two"))
    assert made.verify(new_token()).agent_id == "17"


def test_issuer_may_withdraw_every_key(endpoint: JwksEndpoint, clock: FakeClock) -> None:
    made = verifier(clock, jwks=endpoint.url)
    made.verify(old_token())
    endpoint.publish()
    clock.now += 15 * MINUTE

    assert is_refused(made, old_token())


def test_old_keys_stay_while_they_cannot_be_renewed(
    endpoint: JwksEndpoint, clock: FakeClock
) -> None:
    made = verifier(clock, jwks=endpoint.url)
    made.verify(old_token())
    endpoint.status = 500
    clock.now += 15 * MINUTE
    for _ in range(3):
        assert made.verify(old_token()).agent_id == "17"
    assert endpoint.count == 2

    clock.now += MINUTE
    assert made.verify(old_token()).agent_id == "17"
    assert endpoint.count == 3


@pytest.mark.parametrize("cause", ["age", "unknown kid"])
def test_slow_endpoint_does_not_hold_up_known_kids(
    cause: str, endpoint: JwksEndpoint, clock: FakeClock, pool: ThreadPoolExecutor
) -> None:
    made = verifier(clock, jwks=endpoint.url)
    made.verify(old_token())
    endpoint.hold()
    clock.now += 15 * MINUTE
    waiting = pool.submit(made.verify, old_token() if cause == "age" else new_token())
    assert endpoint.arrived.wait(5)

    known = [pool.submit(made.verify, old_token()) for _ in range(5)]
    assert [answer.result(2).agent_id for answer in known] == ["17"] * 5
    assert not waiting.done()
    endpoint.release()
    assert (waiting.exception(5) is None) is (cause == "age")
    assert endpoint.count == 2


@pytest.mark.parametrize("is_first", [True, False])
def test_simultaneous_tokens_share_one_reading(
    is_first: bool, endpoint: JwksEndpoint, clock: FakeClock, pool: ThreadPoolExecutor
) -> None:
    made = verifier(clock, jwks=endpoint.url)
    if not is_first:
        made.verify(old_token())
    fetched = endpoint.count
    endpoint.publish(jwk(RSA_TWO, kid="two"))
    endpoint.hold()
    answers = [pool.submit(made.verify, new_token()) for _ in range(6)]
    assert endpoint.arrived.wait(5)
    time.sleep(0.05)  # the others come to wait
    endpoint.release()

    assert [answer.result(5).agent_id for answer in answers] == ["17"] * 6
    assert endpoint.count == fetched + 1


@pytest.mark.parametrize("obstruct", [JwksEndpoint.hold, JwksEndpoint.trickle])
def test_no_request_waits_longer_than_the_timeout(
    obstruct: Callable[[JwksEndpoint], None],
    endpoint: JwksEndpoint,
    clock: FakeClock,
    pool: ThreadPoolExecutor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = verifier(clock, jwks=endpoint.url)
    made.verify(old_token())
    endpoint.publish(jwk(RSA_TWO, kid="two"))
    obstruct(endpoint)
    started = time.monotonic()
    with monkeypatch.context() as patch:
        patch.setattr(jwks, "READ_TIMEOUT", 0.2)
        refusals = list(pool.map(lambda _: is_refused(made, new_token()), range(6)))
    assert refusals == [True] * 6
    assert time.monotonic() - started < 30  # an endpoint that holds answers never

    clock.now += MINUTE
    endpoint.release()
    assert made.verify(new_token()).agent_id == "17"


def test_a_defect_while_reading_does_not_keep_others_from_reading(
    endpoint: JwksEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = verifier(jwks=endpoint.url)
    with monkeypatch.context() as patch:
        patch.delattr(jwks, "parse_jwks")
        with pytest.raises(NameError):
            made.verify(old_token())

    assert made.verify(old_token()).agent_id == "17"
