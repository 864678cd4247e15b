"""The table of situations speaks of alerts that there are, and time runs faster for waits alone."""

from deploy.alerting.configuration import alertmanager
from deploy.alerting.contacts import Contacts
from deploy.alerting.rules import rule_file
from tests.chaos.quickened import quickened
from tests.chaos.situations import SITES, TABLE, Post, differences

CONTACTS = Contacts.model_validate({"page": {"webhooks": ["http://pager.example/"]}})


def rules() -> list[dict]:
    return [rule for group in rule_file("centre")["groups"] for rule in group["rules"]]


def test_every_alert_and_site_of_the_table_is_there() -> None:
    posts = [post for situation in TABLE for post in situation.posts]
    assert {post.alert for post in posts} <= {rule.get("alert") for rule in rules()}
    assert {post.site for post in posts} - {None} <= set(SITES)


def test_what_is_told_as_over_was_told_before() -> None:
    open_posts: list[tuple[str, str | None]] = []
    for situation in TABLE:
        for post in situation.posts:
            if post.status == "firing":
                open_posts.append((post.alert, post.site))
            else:
                open_posts.remove((post.alert, post.site))
    assert [alert for alert, _ in open_posts] == ["SegwatchQualityDrop"]


def test_only_waits_run_faster() -> None:
    before, after = rule_file("centre"), quickened(rule_file("centre"), 20)
    down = next(r for g in after["groups"] for r in g["rules"] if r.get("alert") == "SegwatchFederationDown")
    assert down["for"] == "6s"
    expressions = [[r["expr"] for g in each["groups"] for r in g["rules"]] for each in (before, after)]
    assert expressions[0] == expressions[1]
    routes = quickened(alertmanager(CONTACTS), 20)["route"]
    assert (routes["group_interval"], routes["repeat_interval"]) == ("3s", "4h")


def test_a_post_too_few_and_one_too_many_are_told() -> None:
    expected = (Post("firing", "A", "a"), Post("resolved", "A", "a"))
    assert differences(expected, [Post("firing", "A", "a"), Post("firing", "A", "a")]) == [
        "not posted: resolved A a",
        "posted: firing A a",
    ]
