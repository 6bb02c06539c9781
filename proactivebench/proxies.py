"""The environment's proxy, for the line that says why a server could not be reached."""

from __future__ import annotations

from urllib.parse import urlsplit


def through_proxy(url: str) -> str:
    """Words for the proxy that requests to an address go through, without its credentials: ` through the proxy
    http://10.0.0.1:3128 of the environment`. Empty where there is none."""
    from urllib.request import getproxies, proxy_bypass  # a client of HTTP and a reader of mail come with it

    parts = urlsplit(url)
    if not parts.hostname or proxy_bypass(parts.hostname):
        return ""
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy:
        return ""
    scheme, separator, place = proxy.rpartition("://")
    return f" through the proxy {scheme}{separator}{place.rpartition('@')[2]} of the environment"
