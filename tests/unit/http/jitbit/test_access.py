"""Who comes in, by what, and what they hear who do not."""

from __future__ import annotations

import base64
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from helpdeskd import config
from helpdeskd.desk import accounts, api_keys, people
from helpdeskd.http.jitbit import JITBIT
from tests.unit.http.jitbit.conftest import AT, PASSWORD, House, basic

TOKEN = "a-token-that-was-made-elsewhere"
WRONG = "Wrong user name, password or token."

# fmt: off
COME_IN = [
    ("as they log in",           {"Authorization": basic("tina")}),
    ("whatever the case",        {"Authorization": basic("TINA")}),
    ("by address",               {"Authorization": basic("Tina@Staff.example")}),
    ("the scheme's case",        {"Authorization": basic("tina").replace("Basic", "basic")}),
]
STAY_OUT = [
    ("nothing",                  {}, "Say who you are: a user name and password, or a token."),
    ("a scheme of none",         {"Authorization": "Digest abc"}, "Say who you are: a user name and password, or a token."),
    ("no credential",            {"Authorization": "Bearer"}, "Say who you are: a user name and password, or a token."),
    ("no base64",                {"Authorization": "Basic !!!"}, WRONG),
    ("no colon",                 {"Authorization": "Basic " + base64.b64encode(b"tina").decode()}, WRONG),
    ("no such token",            {"Authorization": "Bearer " + "x" * 40}, WRONG),
]
# fmt: on


@pytest.mark.parametrize("headers", [row[1] for row in COME_IN], ids=[row[0] for row in COME_IN])
def test_it_lets_in(api, headers):
    found = api.get("Authorization", headers=headers)
    assert (found.status_code, found.json()["Username"]) == (200, "tina")


@pytest.mark.parametrize(("headers", "words"), [row[1:] for row in STAY_OUT], ids=[row[0] for row in STAY_OUT])
def test_it_keeps_out(api, headers, words):
    found = api.get("Authorization", headers=headers)
    assert (found.status_code, found.text) == (401, words)
    assert found.headers["content-type"] == "text/plain; charset=utf-8"
    assert [each.split()[0] for each in found.headers.get_list("www-authenticate")] == ["Basic", "Bearer"]


def test_three_wrong_log_ins_in_a_row_lock_the_address_for_five_minutes(fresh: House):
    wrong = {"Authorization": basic("dan", "wrong")}
    said = [fresh.client.get("Authorization", headers=wrong) for _ in range(4)]
    assert [each.status_code for each in said] == [401, 401, 401, 429]
    assert said[-1].headers["retry-after"] == "300"
    assert fresh.ask("carol", "GET", "Authorization").status_code == 429  # a right one does not help
    fresh.serving.clock = lambda: AT + timedelta(minutes=5)
    assert fresh.ask("carol", "GET", "Authorization").status_code == 200
    again = [fresh.client.get("Authorization", headers=wrong).status_code for _ in range(2)]
    assert again == [401, 401]
    assert fresh.ask("tina", "GET", "Authorization").status_code == 200  # not in a row
    assert fresh.client.get("Authorization", headers=wrong).status_code == 401


def test_a_key_opens_for_whose_it_is(fresh: House):
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    fresh.key("tina", TOKEN)
    found = fresh.client.get("Authorization", headers=bearer)
    assert (found.status_code, found.json()["Username"]) == (200, "tina")
    disabled = fresh.write(people.disable, person=fresh.people["tina"])
    assert fresh.client.get("Authorization", headers=bearer).status_code == 401
    fresh.write(people.enable, person=disabled)
    assert fresh.client.get("Authorization", headers=bearer).status_code == 200
    fresh.write(accounts.set_password, person=disabled, password_hash=fresh.serving.passwords.hash("another one"))
    assert fresh.client.get("Authorization", headers=bearer).status_code == 401  # it ends with the password
    assert fresh.client.get("Authorization", headers={"Authorization": basic("tina")}).status_code == 401


def test_a_key_may_be_bound_to_addresses_revoked_and_expire(fresh: House):
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    elsewhere = {"Authorization": f"Bearer {TOKEN}-elsewhere"}
    key = fresh.key("dan", TOKEN, expires_at=AT + timedelta(days=1))
    fresh.key("dan", f"{TOKEN}-elsewhere", allow_ip=("192.0.2.1",))
    found = fresh.client.get("Authorization", headers=elsewhere)
    assert (found.status_code, found.text) == (403, "This token may not be used from your address.")
    fresh.serving.clock = lambda: AT + timedelta(days=1)
    assert fresh.client.get("Authorization", headers=bearer).status_code == 401
    fresh.serving.clock = lambda: AT
    assert fresh.client.get("Authorization", headers=bearer).status_code == 200
    fresh.write(api_keys.revoke, key_id=key.id)
    assert fresh.client.get("Authorization", headers=bearer).status_code == 401


def test_another_dialects_key_opens_nothing(fresh: House):
    given = {"dialect": "helpdeskz", "name": "x", "permissions": ["users/read"], "person_id": fresh.people["ada"].id}
    fresh.write(api_keys.create, token=TOKEN, **given)
    assert fresh.client.get("Authorization", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 401


def test_a_second_factor_takes_a_key(fresh: House):
    fresh.write(accounts.set_totp, person=fresh.people["ada"], seed="JBSWY3DPEHPK3PXP")
    found = fresh.ask("ada", "GET", "Authorization")
    assert (found.status_code, found.text) == (401, "This account asks for a one-time code: use a token.")
    fresh.key("ada", TOKEN)
    found = fresh.client.get("Authorization", headers={"Authorization": f"Bearer {TOKEN}"})
    assert (found.status_code, found.json()["TwoFactorAuthEnabled"]) == (200, True)


def test_a_disabled_person_does_not_come_in_again(fresh: House):
    assert fresh.ask("dan", "GET", "Authorization").status_code == 200
    fresh.write(people.disable, person=fresh.people["dan"])
    assert fresh.ask("dan", "GET", "Authorization").status_code == 401  # proved a moment ago, and asked anew


def test_how_often_one_may_ask(fresh: House):
    assert JITBIT.rates == {"default": "90/minute", "search": "60/minute"}
    client = fresh.serving(fresh.store, replace(JITBIT, rates={"default": "2/minute"}))
    said = [client.get("/jitbit/api/Authorization", headers={"Authorization": basic("dan")}) for _ in range(3)]
    assert [each.status_code for each in said] == [200, 200, 429]
    assert 0 < int(said[-1].headers["retry-after"]) <= 60
    other = client.get("/jitbit/api/Authorization", headers={"Authorization": basic("carol")})
    assert other.status_code == 200  # each person has their own


def test_the_operators_rate_goes_before_the_dialects(fresh: House):
    settings = config.Http(
        rates={"jitbit.default": "1/minute", "jitbit.search": "none", "helpdeskz.default": "1/minute"}
    )
    client = fresh.serving(fresh.store, JITBIT, settings=settings)
    ada = {"Authorization": basic("ada")}
    one, other = (client.get("/jitbit/api/Authorization", headers=ada).status_code for _ in range(2))
    assert (one, other) == (200, 429)
    said = {client.get("/jitbit/api/Search?query=x", headers=ada).status_code for _ in range(61)}
    assert said == {200}


@pytest.mark.parametrize("root", ["/jitbit/api", "/jitbit/helpdesk/api", "/JitBit/Helpdesk/API", "/jitbit/Api"])
def test_roots_and_their_case(api, root):
    headers = {"Authorization": basic("dan", PASSWORD)}
    assert api.get(api.base_url.copy_with(path=f"{root}/AUTHORIZATION/"), headers=headers).status_code == 200


def test_right_log_ins_at_once_lock_nobody_out(fresh: House):
    def ask(name: str) -> int:
        status: int = fresh.client.get("Authorization", headers={"Authorization": basic(name)}).status_code
        return status

    with ThreadPoolExecutor(12) as pool:
        assert Counter(pool.map(ask, ["tina", "dan", "carol"] * 12)) == {200: 36}


@pytest.mark.parametrize(
    "header",
    [b"Basic \xff\xfe", b"Basic " + base64.b64encode(b"\0:\0"), b"Basic ====", b"Bearer \xe4", b"Basic " + b"A" * 60_000],
)  # fmt: skip
def test_whatever_the_header_says(api, header):
    assert api.get("Authorization", headers=[(b"Authorization", header)]).status_code == 401
