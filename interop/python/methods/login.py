"""Logging in. The applications are those of interop/server/coze.yaml."""

import requests
from authlib.jose import JsonWebKey
from cozepy import CozeAPIError

from . import method

REDIRECT = "http://127.0.0.1/callback"
KEY = JsonWebKey.generate_key("RSA", 2048, is_private=True).as_pem(is_private=True).decode()


def page(url):
    """What a browser gets for an address."""
    answer = requests.get(url, allow_redirects=False, timeout=10)
    if answer.status_code >= 400:
        said = answer.json()
        raise CozeAPIError(said["code"], said["msg"], said.get("detail", {}).get("logid"))
    return answer


def web(context):
    return context.app("WebOAuthApp", client_id="7500000000000000601", client_secret="secret")


def pkce(context):
    return context.app("PKCEOAuthApp", client_id="7500000000000000602")


def device(context):
    return context.app("DeviceOAuthApp", client_id="7500000000000000603")


@method("WebOAuthApp.get_oauth_url", "Authorize")
def _(context):
    assert page(web(context).get_oauth_url(redirect_uri=REDIRECT, state="s")).ok


@method("WebOAuthApp.get_access_token", "CreateToken Authorize")
def _(context):
    web(context).get_access_token(redirect_uri=REDIRECT, code="none")


@method("WebOAuthApp.refresh_access_token", "CreateToken Authorize")
def _(context):
    web(context).refresh_access_token("none")


@method("PKCEOAuthApp.get_oauth_url", "Authorize")
def _(context):
    url = pkce(context).get_oauth_url(REDIRECT, "v" * 43, "S256", "s")
    assert page(url).ok


@method("PKCEOAuthApp.get_access_token", "CreateToken Authorize")
def _(context):
    pkce(context).get_access_token(REDIRECT, "none", "v" * 43)


@method("PKCEOAuthApp.refresh_access_token", "CreateToken Authorize")
def _(context):
    pkce(context).refresh_access_token("none")


@method("DeviceOAuthApp.get_device_code", "CreateDeviceCode")
def _(context):
    code = device(context).get_device_code()
    assert code.device_code and code.user_code and code.verification_url


@method("DeviceOAuthApp.get_access_token", "CreateToken CreateDeviceCode")
def _(context):
    device(context).get_access_token(device(context).get_device_code().device_code)


@method("DeviceOAuthApp.refresh_access_token", "CreateToken CreateDeviceCode")
def _(context):
    device(context).refresh_access_token("none")


@method("JWTOAuthApp.get_access_token", "CreateToken")
def _(context):
    app = context.app("JWTOAuthApp", client_id="7500000000000000604", private_key=KEY, public_key_id="test-key")
    assert app.get_access_token(ttl=900).access_token
