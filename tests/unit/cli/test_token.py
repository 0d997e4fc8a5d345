"""token: keys of a dialect with permissions, and of one whose keys carry a person's rights."""

from __future__ import annotations

from tests.unit.cli.house import ADA


def test_a_key_that_carries_a_persons_rights(house):
    made = house("token", "create", "--dialect", "jitbit", "--person", ADA, "--name", "script")
    assert made.code == 0
    assert made.out.startswith("hd_")
    (key,) = house("token", "list", "--json").json
    assert (key["key"]["dialect"], key["key"]["permissions"], key["good"]) == ("jitbit", [], True)
    assert house("token", "list").ok().splitlines()[1].split()[3:6] == ["good", ADA, "everywhere"]
    house("token", "revoke", str(key["key"]["id"])).ok()
    assert not house("token", "list", "--json").json[0]["good"]


def test_such_a_key_wants_its_person(house):
    said = house("token", "create", "--dialect", "jitbit").failed(1)
    assert said == "a key of jitbit carries the rights of a person: say whose"
    said = house("token", "create", "--dialect", "jitbit", "--person", ADA, "--permission", "users/read").failed(1)
    assert said == "users/read: jitbit knows none"


def test_a_key_to_the_door_of_staff_is_for_staff(house):
    house.ticket()
    words = ("token", "create", "--dialect", "submission", "--person")
    said = house(*words, "grace@customer.example").failed(1)
    assert said == "a key of submission opens the door where staff hand in mail: say which of staff"
    assert house("token", "list", "--json").json == []
    assert house(*words, ADA).code == 0
