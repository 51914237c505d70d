"""Statements as Venmo writes them, of several years."""

from __future__ import annotations

from hypothesis import strategies as st

HEADER = (
    ",ID,Datetime,Type,Status,Note,From,To,Amount (total),Amount (tip),Amount (fee),"
    "Funding Source,Destination,Beginning Balance,Ending Balance,Statement Period Venmo Fees,"
    "Terminal Location,Year to Date Venmo Fees,Disclaimer"
)


def statement(
    handle: str = "somebody", *, title: bool = True, mark: bool = False, quoted: bool = False
) -> bytes:
    """Write a statement; older ones begin with the columns at once."""
    commas = "," * 18
    rows = [",4345080794249066591,2021-06-01T01:39:54,Payment,Complete,Tacos,A,B,- $20.00" + commas]
    lines = [HEADER, f"{commas}$8.00,,,,", *rows]
    if title:
        first = f"Account Statement - (@{handle}) - May 1st to May 31st 2021 "
        lines = [f'"{first}"' if quoted else first + commas, "Account Activity" + commas, *lines]
    return ("\ufeff" if mark else "").encode() + "\r\n".join(lines).encode()


statements = st.builds(
    statement,
    st.from_regex(r"[A-Za-z0-9_-]{3,30}", fullmatch=True),
    title=st.booleans(),
    mark=st.booleans(),
    quoted=st.booleans(),
)
