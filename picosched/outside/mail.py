"""Mail: sends one text through an SMTP server.

`smtp://user:password@host:port` uses TLS if the server offers it, and refuses to log in without;
`smtps://` speaks TLS from the start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from picosched.krl.requests import HttpResponse

if TYPE_CHECKING:
    import smtplib

METHOD = "MAIL"
"""Of a request that is a mail: its URL is mailto:, and it has a header `subject`."""

SECONDS = 10.0
PORTS = {"smtp": 25, "smtps": 465}


def send_mail(server: str, to: str, subject: str, text: str) -> HttpResponse:
    """Send a mail: the answer has status 200, or 0 and the reason, or the SMTP code that refused it.

    A 4xx code of SMTP may change next time, a 5xx does not: the reverse of HTTP, so it is answered as such.
    What cannot be a mail at all, as with a wrong address, has status 400.
    """
    try:
        return _sent(server, to, subject, text)
    except Exception as error:  # the library's errors for texts it cannot take are of many kinds
        return HttpResponse(400, f"cannot be sent as a mail: {type(error).__name__}: {error}")


def _sent(server: str, to: str, subject: str, text: str) -> HttpResponse:
    import smtplib
    from email.message import EmailMessage  # both take long to import

    if not server:
        return HttpResponse(400, "the setting smtp names no server")
    parts = urlsplit(server)
    message = EmailMessage()
    message["To"], message["Subject"] = to, _plain(subject)
    if not message["To"].addresses:  # it would be sent to nobody; not every Python refuses that
        return HttpResponse(400, "cannot be sent as a mail: it has no valid address")
    message["From"] = unquote(parts.username or "") if "@" in unquote(parts.username or "") else to
    message.set_content(text)
    host, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
    try:
        with _connected(parts.scheme, host, port) as connection:
            if parts.username:
                connection.login(unquote(parts.username), unquote(parts.password or ""))
            connection.send_message(message)
    except smtplib.SMTPResponseException as error:
        reason = error.smtp_error.decode("utf-8", "replace") if isinstance(error.smtp_error, bytes) else ""
        return HttpResponse(400 if error.smtp_code >= 500 else 503, f"{error.smtp_code} {reason}".strip())
    except smtplib.SMTPRecipientsRefused as error:
        code, why = next(iter(error.recipients.values()))
        return HttpResponse(400 if code >= 500 else 503, f"{code} {why.decode('utf-8', 'replace')}")
    except (OSError, smtplib.SMTPException) as error:
        return HttpResponse(0, f"no mail to {host}: {error}")
    return HttpResponse(200, "OK")


def _plain(subject: str) -> str:
    """A subject on one line, without encoded words: decoded they could be headers and text."""
    printable = "".join(each if each.isprintable() else " " for each in subject)
    return " ".join(printable.replace("=?", "= ?").split())


def _connected(scheme: str, host: str, port: int) -> smtplib.SMTP:
    import smtplib
    import ssl

    context = ssl.create_default_context()
    if scheme == "smtps":
        return smtplib.SMTP_SSL(host, port, timeout=SECONDS, context=context)
    connection = smtplib.SMTP(host, port, timeout=SECONDS)
    connection.ehlo()
    if connection.has_extn("starttls"):
        connection.starttls(context=context)
    return connection
