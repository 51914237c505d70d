"""Commands about invitations to enrol, and about enrolments that wait for an operator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from likeness.cli.call import call_of
from likeness.cli.consent_options import PurposeOption
from likeness.cli.options import AccountOption, JsonOption, LibraryOption
from likeness.cli.screen import say, table
from likeness.cli.shapes import receipt_as_json

if TYPE_CHECKING:
    from likeness.approval import WaitingEnrolment
    from likeness.invitations import Invitation
    from likeness.records.consent import Purpose

InvitationArgument = Annotated[
    str, typer.Argument(metavar="ID", help="Of the invitation, as listed.")
]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    invitation = typer.Typer(rich_markup_mode=None, help="Links by which people enrol themselves.")
    invitation.command("create")(create)
    invitation.command("list")(list_invitations)
    invitation.command("revoke")(revoke)
    app.add_typer(invitation, name="invitation")
    enrolment = typer.Typer(rich_markup_mode=None, help="Enrolments that wait for an operator.")
    enrolment.command("waiting")(waiting)
    enrolment.command("approve")(approve)
    enrolment.command("decline")(decline)
    app.add_typer(enrolment, name="enrolment")


def create(
    context: typer.Context,
    collection: Annotated[
        list[str] | None,
        typer.Option("--collection", metavar="NAME", help="Give it again for more."),
    ] = None,
    purpose: PurposeOption = None,
    label: Annotated[
        str,
        typer.Option("--label", metavar="TEXT", help="For whom it is; you alone see it."),
    ] = "",
    days: Annotated[int, typer.Option("--days", metavar="N", help="How long the link works.")] = 14,
    without_approval: Annotated[
        bool,
        typer.Option("--without-approval", help="The enrolment stands at once."),
    ] = False,
    language: Annotated[
        str,
        typer.Option("--language", metavar="en|de", help="Where the browser asks for neither."),
    ] = "en",
    library: LibraryOption = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a link by which one person may say yes themself.

    Put the address of your server before it. It is shown once and works once.
    """
    from likeness.invitations import invite

    call = call_of(context, library=library, account=account, as_json=as_json)
    words = [word for given in purpose or () for word in given.split(",")]
    with call.opened() as opened:
        made = invite(
            opened.house,
            collections=collection or (),
            purposes=cast("list[Purpose]", words),
            label=label,
            days=days,
            needs_approval=not without_approval,
            language=language,
        )
    path = f"/enrol/{made.secret}"
    fields = {"path": path, "invitation": _invitation_as_json(made.invitation)}
    call.answer(fields, lambda: say(path))


def list_invitations(
    context: typer.Context,
    library: LibraryOption = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """List every invitation, newest first; labels of your own alone."""
    from likeness.invitations import invitations

    call = call_of(context, library=library, account=account, as_json=as_json)
    with call.opened() as opened:
        found = [_invitation_as_json(one) for one in invitations(opened.house)]
    call.answer(
        {"invitations": found},
        lambda: table(
            ("id", "state", "by", "until", "collections", "label"),
            [
                (
                    one["id"],
                    one["state"],
                    one["invited_by"],
                    one["expires_at"][:10],
                    ", ".join(one["collections"]),
                    one["label"],
                )
                for one in found
            ],
        ),
    )


def revoke(
    context: typer.Context,
    invitation: InvitationArgument,
    library: LibraryOption = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """End an invitation that nobody has used."""
    from likeness.invitations import revoke as revoke_invitation

    call = call_of(context, library=library, account=account, as_json=as_json)
    with call.opened() as opened:
        revoke_invitation(opened.house, invitation)
    call.answer({"invitation": invitation}, lambda: say("The link works no more."))


def waiting(
    context: typer.Context,
    library: LibraryOption = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """List who waits; a name only where you would find them anyway."""
    from likeness.approval import waiting as who_waits

    call = call_of(context, library=library, account=account, as_json=as_json)
    with call.opened() as opened:
        found = [_waiting_as_json(one) for one in who_waits(opened.house)]
    call.answer(
        {"waiting": found},
        lambda: table(
            ("id", "name", "purposes", "live", "since", "label"),
            [
                (
                    one["invitation"],
                    one["name"],
                    ", ".join(one["purposes"]),
                    "yes" if one["live"] else "no",
                    one["enrolled_at"][:16],
                    one["label"],
                )
                for one in found
            ],
        ),
    )


def approve(
    context: typer.Context,
    invitation: InvitationArgument,
    library: LibraryOption = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let an enrolment stand; photos held already are compared before the command ends."""
    from likeness.approval import approve as approve_enrolment

    call = call_of(context, library=library, account=account, as_json=as_json)
    with call.opened() as opened:
        approve_enrolment(opened.house, invitation)
    call.answer(
        {"invitation": invitation}, lambda: say("Approved: it has the effect they said yes to.")
    )


def decline(
    context: typer.Context,
    invitation: InvitationArgument,
    library: LibraryOption = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Turn an enrolment down: everything of the person is erased, with a receipt."""
    from likeness.approval import decline as decline_enrolment

    call = call_of(context, library=library, account=account, as_json=as_json)
    with call.opened() as opened:
        done = decline_enrolment(opened.house, invitation)
    call.answer(
        {"receipt": receipt_as_json(done.receipt)},
        lambda: say(
            "Declined, and everything of them is erased. "
            f"The receipt: likeness receipt show {done.serial}"
        ),
    )


def _invitation_as_json(one: Invitation) -> dict[str, Any]:
    return {
        "id": one.invitation_id,
        "state": one.state,
        "open": one.open,
        "collections": [collection.name for collection in one.collections],
        "purposes": list(one.purposes),
        "needs_approval": one.needs_approval,
        "language": one.language,
        "invited_by": one.invited_by,
        "label": one.label,
        "created_at": one.created_at.isoformat(),
        "expires_at": one.expires_at.isoformat(),
        "taken_at": one.taken_at.isoformat() if one.taken_at else None,
    }


def _waiting_as_json(one: WaitingEnrolment) -> dict[str, Any]:
    return {
        "invitation": one.invitation_id,
        "invited_by": one.invited_by,
        "label": one.label,
        "name": one.name,
        "collections": [collection.name for collection in one.collections],
        "purposes": list(one.purposes),
        "live": one.live,
        "enrolled_at": one.enrolled_at.isoformat(),
        "erased_at": one.erased_at.isoformat(),
    }
