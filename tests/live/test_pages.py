"""The pages in a real browser, without script."""

from __future__ import annotations

from dataclasses import replace

import pytest

from helpdeskd import config
from helpdeskd.desk import accounts, links, people
from helpdeskd.model.clock import now
from helpdeskd.model.mail import Address
from tests.live.browser import browsing, why_not
from tests.live.machine import wait_until
from tests.unit.http.conftest import desk, serve  # noqa: F401 - fixtures
from tests.unit.http.plain import PLAIN

pytestmark = [pytest.mark.live, pytest.mark.skipif(why_not() is not None, reason=why_not() or "")]


def test_a_person_sets_a_password_and_reads_about_an_api(serve, sqlite_store):  # noqa: F811 - the fixture
    client = serve(sqlite_store, PLAIN)
    base = str(client.base_url).rstrip("/")

    def invite(conn):
        person = people.customer(conn, serve.desk, now(), Address("Carol", "carol@customer.example"))
        return links.make(conn, serve.desk, now(), person, links.Purpose.INVITATION)

    token = sqlite_store.writer.run(invite)
    with browsing(script=False) as browser:
        browser.open(f"{base}/set-password/{token}")
        assert "For the account of carol@customer.example." in browser.text
        # The style sheet is ours and is let through by the policy; the field has the focus already.
        assert browser.run("getComputedStyle(document.querySelector('button')).cursor") == "pointer"
        wait_until(lambda: browser.focus == "password", what="the focus")
        assert not browser.run("document.querySelector('[name=username]').checkVisibility()")
        browser.type("#password", "correct horse")
        browser.type("#again", "battery staple")
        browser.submit()
        assert "The two are not the same." in browser.text
        browser.type("#password", "correct horse")
        browser.type("#again", "correct horse")
        browser.submit()
        assert "Your password is set." in browser.text
        login = sqlite_store.read(lambda conn: accounts.by_name(conn, "carol@customer.example"))
        assert serve.passwords.verify(login.password_hash, "correct horse")

        serve.desk = replace(serve.desk, settings=config.Desk(public_url=base))
        browser.open(f"{base}/forgot-password")
        wait_until(lambda: browser.focus == "email", what="the focus")
        browser.type("#email", "carol@customer.example")
        browser.submit()
        assert "Please look into your mail." in browser.text

        browser.open(f"{base}/plain/docs")
        assert "Plain API" in browser.text
        assert browser.run("document.querySelectorAll('article').length") == 10
        assert browser.run("document.documentElement.scrollWidth <= innerWidth")
        assert all(url.startswith(f"{base}/") for url in browser.fetched), browser.fetched
        # The policy stopped nothing; that a password was not taken is the one thing it remarks on.
        assert [said for said in browser.said if "status of 422" not in said] == []
