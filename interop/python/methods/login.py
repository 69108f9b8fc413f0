"""Logging in. The applications are those of interop/server/coze.yaml."""

import re
from urllib.parse import parse_qs, urlsplit

import requests
from cozepy import Coze, CozeAPIError, TokenAuth

from . import method
from .local import PRIVATE_KEY, TOKEN

REDIRECT = "http://127.0.0.1/callback"


def web(context):
    return context.app("WebOAuthApp", client_id="web.app", client_secret="not-much-of-a-secret")


def pkce(context):
    return context.app("PKCEOAuthApp", client_id="pkce.app")


def device(context):
    return context.app("DeviceOAuthApp", client_id="device.app")


class Browser:
    """The user who decides."""

    def __init__(self, context):
        self.base = context.server.base_url
        self.session = requests.Session()
        self.session.trust_env = False

    def allow(self, url):
        """Opens a page, lets the application in, and gives what comes of it."""
        page = self.session.get(url, timeout=10)
        if page.status_code >= 400:
            said = page.json()
            raise CozeAPIError(said.get("code", 0), said.get("msg", page.text), None)
        fields = dict(re.findall(r'<input[^>]* name="(\w+)" value="([^"]*)"', page.text))
        (action,) = re.findall(r'<form method="post" action="([^"]+)"', page.text)
        data = {**fields, "token": TOKEN, "decision": "allow"}
        return self.session.post(self.base + action, data=data, allow_redirects=False, timeout=10)

    def code(self, url):
        answer = self.allow(url)
        assert answer.status_code == 302, answer.text
        query = parse_qs(urlsplit(answer.headers["location"]).query)
        assert answer.headers["location"].startswith(REDIRECT) and query["state"] == ["s"]
        return query["code"][0]


def works(context, token):
    """The token is one: it lets in, and says until when."""
    coze = Coze(auth=TokenAuth(token.access_token), base_url=context.server.base_url)
    assert coze.users.me().user_id
    assert token.expires_in > 1_700_000_000, "a time, not a duration"
    return token


def web_token(context):
    app = web(context)
    code = Browser(context).code(app.get_oauth_url(redirect_uri=REDIRECT, state="s"))
    return works(context, app.get_access_token(redirect_uri=REDIRECT, code=code))


def pkce_token(context):
    app, verifier = pkce(context), "v" * 43
    code = Browser(context).code(app.get_oauth_url(REDIRECT, verifier, "S256", "s"))
    return works(context, app.get_access_token(REDIRECT, code, verifier))


def device_token(context):
    app = device(context)
    code = app.get_device_code()
    answer = Browser(context).allow(code.verification_url)
    assert answer.status_code == 200, answer.text
    return works(context, app.get_access_token(code.device_code))


def refreshed(context, app, token):
    again = works(context, app.refresh_access_token(token.refresh_token))
    assert again.refresh_token != token.refresh_token
    # The old one is used up.
    try:
        app.refresh_access_token(token.refresh_token)
    except CozeAPIError:
        return
    raise AssertionError("a refresh token works twice")


@method("WebOAuthApp.get_oauth_url", "Authorize")
def _(context):
    assert Browser(context).code(web(context).get_oauth_url(redirect_uri=REDIRECT, state="s"))


@method("WebOAuthApp.get_access_token", "CreateToken Authorize")
def _(context):
    assert web_token(context).refresh_token


@method("WebOAuthApp.refresh_access_token", "CreateToken Authorize")
def _(context):
    refreshed(context, web(context), web_token(context))


@method("PKCEOAuthApp.get_oauth_url", "Authorize")
def _(context):
    assert Browser(context).code(pkce(context).get_oauth_url(REDIRECT, "v" * 43, "S256", "s"))


@method("PKCEOAuthApp.get_access_token", "CreateToken Authorize")
def _(context):
    assert pkce_token(context).refresh_token


@method("PKCEOAuthApp.refresh_access_token", "CreateToken Authorize")
def _(context):
    refreshed(context, pkce(context), pkce_token(context))


@method("DeviceOAuthApp.get_device_code", "CreateDeviceCode")
def _(context):
    code = device(context).get_device_code()
    assert code.device_code and code.user_code in code.verification_url and code.expires_in > 0


@method("DeviceOAuthApp.get_access_token", "CreateToken CreateDeviceCode")
def _(context):
    assert device_token(context).refresh_token


@method("DeviceOAuthApp.refresh_access_token", "CreateToken CreateDeviceCode")
def _(context):
    refreshed(context, device(context), device_token(context))


@method("JWTOAuthApp.get_access_token", "CreateToken")
def _(context):
    app = context.app("JWTOAuthApp", client_id="jwt.app", private_key=PRIVATE_KEY, public_key_id="test-key")
    works(context, app.get_access_token(ttl=900))
    wrong = context.app("JWTOAuthApp", client_id="jwt.app", private_key=PRIVATE_KEY, public_key_id="no-key")
    try:
        wrong.get_access_token(ttl=900)
    except CozeAPIError as error:
        assert error.code != 0
    else:
        raise AssertionError("a key that is not known lets in")
