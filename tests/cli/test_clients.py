"""`clients`: what is logged in to the account, and logging others out."""

from __future__ import annotations

from tests.cli.conftest import World


async def test_clients_of_the_account_are_listed_and_removed(world: World):
    other = world.base / "home2"
    await world.log_in()
    await world.log_in(home=other)
    await world.add(home=other, drive=world.base / "drive2")
    await world.must("remote", "ls", "--server", "home")
    found = {each["this_computer"]: each for each in await world.json("clients", "list")}
    assert set(found) == {True, False}
    assert [each["remote"] for each in found[False]["synchronizations"]] == ["personal/docs"]
    assert found[True]["state"] == "logged in"
    assert found[True]["last_log_in"] is not None
    table = await world.must("clients", "list", "--server", "home")
    mine, theirs = found[True]["id"][:8], found[False]["id"][:8]
    assert f"{mine}*" in table
    assert "personal/docs" in next(line for line in table.splitlines() if theirs in line)

    what = await world.refused("clients", "remove", theirs, "--server", "home")
    assert "with its synchronizations of personal/docs" in what
    assert "--yes" in what
    what = await world.refused("clients", "remove", mine, "--server", "home")
    assert what.startswith(
        "this computer would be logged out: what changes in its drives waits here until you log in"
    )
    assert "no client's id begins with 'zz'" in await world.refused(
        "clients", "remove", "zz", "--server", "home"
    )
    assert len(await world.json("clients", "list")) == 2
    assert "is logged out" in await world.must(
        "clients", "remove", theirs, "--server", "home", "--yes"
    )
    assert [each["id"] for each in await world.json("clients", "list")] == [found[True]["id"]]
    said = await world.must("clients", "remove", mine, "--server", "home", "--yes")
    assert said.startswith("this computer is logged out of user1 at ")
    assert "does not know this client any more" in await world.refused("clients", "list", status=5)
    await world.log_in_again()
    assert [each["id"] for each in await world.json("clients", "list")] == [found[True]["id"]]


async def test_a_server_that_is_away_does_not_hide_the_others(world: World):
    await world.log_in()
    text = world.config.read_text()
    away = text.replace("[servers.home]", "[servers.away]").replace(world.url, "http://127.0.0.1:9")
    world.config.write_text(text + away)
    done = await world.run("clients", "list")
    assert done.status == 3
    assert "127.0.0.1:9" in done.error
    assert "home" in done.out
    assert "no servers yet" not in done.out
