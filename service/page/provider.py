"""Signing in by an identity provider: the browser is sent there, and what it brings back is judged.

The provider sends people back to the page itself; the page's script posts what they bring, so that
no GET changes anything. Who may do what is decided as for everybody: by the one table and by the
register. Requirements SEC-07, SEC-08, SEC-09, SEC-16.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from pydantic import Field

from service.page.access import own_page
from service.page.identity import Identity
from service.page.people import Body, Own, checked
from service.people.accounts import Account, SignInRefusedError

if TYPE_CHECKING:
    from service.people.provider import Provider, Visitor

BROWSER = "rheostat_provider"
REFUSED = (
    "The sign-in at the provider opens nothing here. Next: try again, or ask an admin; the audit "
    "trail says why."
)
_PATH = "/api/session/provider"


class Back(Body):
    """What the provider gave the browser to bring back."""

    state: Annotated[str, Field(min_length=1, max_length=200)]
    code: Annotated[str, Field(min_length=1, max_length=4000)]


class NewKey(Body):
    """The password that is to open one's signing key."""

    password: Annotated[str, Field(min_length=1, max_length=256)]


def router(identity: Identity) -> APIRouter:
    """Return the routes by which somebody comes in from a provider, and gets a signing key."""
    routes = APIRouter()
    desk = _Desk(identity)

    @routes.post(_PATH, dependencies=[Depends(own_page)])
    async def begin(request: Request, response: Response) -> dict[str, Any]:
        url, browser = await desk.begin(request)
        response.set_cookie(
            BROWSER, browser, httponly=True, samesite="strict", path=_PATH,
            secure=request.url.scheme == "https", max_age=600,
        )  # fmt: skip
        return {"ok": True, "url": url}

    @routes.post(f"{_PATH}/back", dependencies=[Depends(own_page)])
    async def back(given: Back, request: Request, response: Response) -> dict[str, Any]:
        account = await desk.visit(request, given)
        identity.begin(request, response, account.id)
        response.delete_cookie(BROWSER, path=_PATH, httponly=True, samesite="strict")
        return {"ok": True, "text": f"signed in as {account.name}"}

    @routes.post("/api/session/key")
    async def key(given: NewKey, request: Request, person: Own) -> dict[str, Any]:
        account = await checked(
            identity, request, person.id, "key",
            lambda: identity.accounts.make_key(person.id, given.password),
        )  # fmt: skip
        await identity.note_account("key made", person.id, person.name)
        return {"ok": True, "text": "Your signing key stands.", "entry": account.as_entry()}

    return routes


class _Desk:
    """The provider of the configuration in force, and what people bring back from it."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._provider: Provider | None = None

    async def begin(self, request: Request) -> tuple[str, str]:
        """Return where the browser has to go, and the word by which it is known again."""
        from service.people.provider import ProviderError

        address = await self._guess(request)
        try:
            url, question = await self._now().ask(self._identity.now_s())
        except ProviderError as error:
            await self._identity.note_refused(request, "?", "provider", f"{error} ({address})")
            raise HTTPException(
                503, "The identity provider does not answer as it should."
            ) from error
        return url, question.browser

    async def visit(self, request: Request, given: Back) -> Account:
        """Return the account of whom the provider vouches for; each refusal is noted."""
        from service.people.provider import ProviderError

        identity, who = self._identity, "?"
        await self._guess(request)
        try:
            browser = request.cookies.get(BROWSER, "")
            visitor = await self._now().answer(given.state, given.code, browser, identity.now_s())
            who = visitor.id
            account, is_new = await asyncio.to_thread(self._account, visitor)
        except (ProviderError, SignInRefusedError) as error:
            why = error.why if isinstance(error, SignInRefusedError) else str(error)
            await identity.note_refused(request, who, "sign-in", why)
            raise HTTPException(401, REFUSED) from error
        if is_new:
            what = f"added as {account.role} by {identity.settings['provider']['issuer']}"
            await identity.note_account(what, account.id, account.name)
        return account

    def _account(self, visitor: Visitor) -> tuple[Account, bool]:
        accounts = self._identity.accounts
        is_new = all(one.subject != visitor.subject for one in accounts.all())
        account = accounts.visit(
            visitor.subject, visitor.id, visitor.name, visitor.role, self._identity.now_s()
        )
        return account, is_new

    def _now(self) -> Provider:
        """Return the provider in force, with its own questions; raises ProviderError, or 404."""
        from service.people.provider import Provider, secret_in

        settings = self._identity.settings.get("provider")
        if settings is None:
            raise HTTPException(404, "No identity provider is configured for this line.")
        if self._provider is None or self._provider.settings != settings:
            secret = secret_in(self._identity.state_dir / "page" / "provider.secret")
            self._provider = Provider(settings, secret)
        return self._provider

    async def _guess(self, request: Request) -> str:
        address = request.client.host if request.client else "?"
        if not self._identity.guesses.takes(address):
            await self._identity.note_refused(request, "?", "provider", "too many tries")
            raise HTTPException(429, "Refused: too many tries from here; wait a minute.")
        return address
