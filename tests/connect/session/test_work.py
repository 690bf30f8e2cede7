"""Requests in progress and their leases, as gateways answer, repeat themselves and go away."""

from __future__ import annotations

from dataclasses import replace

from inngest_asgi.connect.messages import ExtendLease, ExtendLeaseAck, RequestAck
from inngest_asgi.connect.session.work import Work, acknowledgement
from tests.connect.pairs import REQUEST

LEASED = replace(REQUEST, lease_id="lease-1")


def working() -> Work:
    work = Work()
    work.accept(LEASED, 30.0)
    return work


def answer(lease: str | None) -> ExtendLeaseAck:
    return ExtendLeaseAck("request-1", new_lease_id=lease)


def extend(work: Work, now: float, link: int = 1) -> list[str]:
    return [one.lease_id for one in work.extensions(link, now, 30.0)]


def test_an_acknowledgement_echoes_the_request() -> None:
    assert acknowledgement(LEASED) == RequestAck(
        "request-1",
        "account",
        "env",
        "app",
        "shop-pay",
        "step",
        LEASED.system_trace_ctx,
        LEASED.user_trace_ctx,
        "run-1",
    )


def test_an_extension_echoes_the_request_and_names_the_lease() -> None:
    (extension,) = working().extensions(1, 30.0, 30.0)
    assert extension == ExtendLease(
        "request-1",
        "account",
        "env",
        "app",
        "shop-pay",
        "step",
        LEASED.system_trace_ctx,
        LEASED.user_trace_ctx,
        "run-1",
        "lease-1",
    )


def test_a_lease_is_extended_at_intervals_with_the_newest_id() -> None:
    work = working()
    assert (extend(work, 29.9), work.next) == ([], 30.0)
    assert extend(work, 30.0) == ["lease-1"]
    assert not work.answered(1, answer("lease-2"), 100.0)
    assert (extend(work, 59.9), extend(work, 60.0)) == ([], ["lease-2"])


def test_a_lease_that_is_refused_is_lost_and_not_extended_again() -> None:
    work = working()
    extend(work, 30.0)
    assert work.answered(1, answer(None), 100.0)
    assert work.is_lost("request-1")
    assert (extend(work, 1000.0), work.next) == ([], None)


def test_a_loss_is_told_once() -> None:
    work = working()
    extend(work, 30.0)
    work.answered(1, answer(None), 100.0)
    assert not work.answered(1, answer(None), 100.0)


def test_a_refusal_of_a_lease_that_was_replaced_meanwhile_is_no_loss() -> None:
    work = working()
    extend(work, 30.0)
    extend(work, 60.0)  # the answer is late, so the same lease is named again
    assert not work.answered(1, answer("lease-2"), 100.0)
    assert not work.answered(1, answer(None), 100.0)
    assert not work.is_lost("request-1")


def test_a_refusal_nobody_asked_for_is_no_loss() -> None:
    assert not working().answered(1, answer(None), 100.0)


def test_a_refusal_after_an_answer_that_was_lost_is_no_loss_while_that_lease_may_last() -> None:
    work = working()
    extend(work, 30.0, link=1)
    work.link_gone(1, 40.0)  # the gateway may have changed the lease by then
    assert extend(work, 60.0, link=2) == ["lease-1"]
    assert not work.answered(2, answer(None), 60.0)
    extend(work, 120.0, link=2)
    assert not work.answered(2, answer(None), 149.9)
    extend(work, 150.0, link=2)
    assert work.answered(2, answer(None), 150.0)


def test_a_refusal_is_a_loss_once_the_lease_is_known_again() -> None:
    work = working()
    extend(work, 30.0, link=1)
    work.link_gone(1, 40.0)
    extend(work, 60.0, link=2)
    work.answered(2, answer("lease-2"), 60.0)
    extend(work, 90.0, link=2)
    assert work.answered(2, answer(None), 90.0)


def test_a_late_answer_of_another_connection_still_counts() -> None:
    work = working()
    extend(work, 30.0, link=1)
    extend(work, 60.0, link=2)
    assert not work.answered(1, answer("lease-2"), 100.0)
    assert not work.answered(2, answer(None), 100.0)
    assert extend(work, 90.0, link=2) == ["lease-2"]


def test_an_answer_for_a_request_that_has_ended_is_nothing() -> None:
    work = working()
    extend(work, 30.0)
    assert work.finish("request-1")
    assert not work.answered(1, answer(None), 100.0)


def test_a_request_that_comes_again_has_a_new_lease() -> None:
    work = working()
    extend(work, 30.0)
    assert not work.accept(replace(LEASED, lease_id="lease-9"), 70.0)
    assert not work.answered(1, answer(None), 100.0)
    assert extend(work, 70.0) == ["lease-9"]


def test_a_request_ends_once() -> None:
    work = working()
    assert (work.finish("request-1"), work.finish("request-1")) == (True, False)
    assert (len(work), work.next) == (0, None)


def test_a_connection_owes_answers_until_they_come_or_it_goes() -> None:
    work = working()
    extend(work, 30.0)
    assert (work.waits_on(1), work.waits_on(2)) == (True, False)
    work.link_gone(2, 40.0)
    assert work.waits_on(1)
    work.link_gone(1, 40.0)
    assert not work.waits_on(1)


def test_leases_are_extended_as_soon_as_another_connection_is_there() -> None:
    work = working()
    work.link_gone(1, 10.0)
    assert work.next == 10.0
    assert extend(work, 12.0, link=2) == ["lease-1"]
    assert work.next == 42.0


def test_a_lease_that_is_lost_is_not_extended_on_another_connection() -> None:
    work = working()
    extend(work, 30.0)
    work.answered(1, answer(None), 30.0)
    work.link_gone(1, 40.0)
    assert extend(work, 1000.0, link=2) == []


def test_requests_in_progress_are_named_in_order() -> None:
    work = working()
    work.accept(replace(REQUEST, request_id="request-2"), 30.0)
    assert work.ids == ("request-1", "request-2")
    assert [one.request.request_id for one in work.running] == ["request-1", "request-2"]


def test_a_picture_tells_what_people_want_to_know() -> None:
    assert working().running[0].picture() == {
        "request_id": "request-1",
        "run_id": "run-1",
        "function": "shop-pay",
        "lease_id": "lease-1",
        "lease_lost": False,
    }
