"""What the site is told by its environment: where things lie, who may reach it, its limits."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, ModelWrapValidatorHandler, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from unicare.core.errors import OutputError, SettingsError
from unicare.web.data_folder import hide_folder, write_once

__all__ = ["SiteSettings", "is_local", "load_settings"]

ENV_FILE = "site.env"
KEY_FILE = "secret.key"
STORAGE_FOLDER = "storage"
_PREFIX = "UNICARE_"
_NEW_KEY = 'python -c "import secrets; print(secrets.token_urlsafe(48))"'
_SHORTEST_KEY = 32
_FEWEST_KINDS = 8
_TELLTALES = ("change", "default", "example", "secret", "password", "insecure", "your-", "12345678")
_DEFAULT_PASSWORDS = {"", "postgres", "password", "secret", "changeme", "unicare", "admin", "test"}


class SiteSettings(BaseSettings):
    """The settings of the site; each is ``UNICARE_<NAME>`` in the environment or in ``DATA/site.env``.

    What ends in ``_mb`` counts MiB, 2^20 bytes; messages and pages show sizes in decimal MB and GB.

    Attributes:
        data_dir: everything that the site writes lies in here, unless a URL says otherwise.
        challenge_dir: the folder that is the challenge; read only.
        host: address that the site listens on.
        port: the same.
        base_url: how people reach the site, without a slash at the end.
        allow_http: lets people from outside come without TLS, passwords readable on the way.
        database_url: SQLite or PostgreSQL.
        storage_url: where submissions and results lie; a folder, or whatever fsspec can open.
        secret_key: what tokens in mails are derived from.
        smtp_url: ``smtp://user:password@host:587`` (STARTTLS) or ``smtps://…``; without it mails are
            written to the log of a site that only its own machine reaches, and kept by every other.
        mail_from: sender of mails.
        session_days: after which a person has to log in again, whatever happens.
        session_idle_hours: the same if the person wasn't seen.
        log_in_tries: wrong passwords for one account from one address, in ``log_in_window_minutes``.
        log_in_tries_account: the same from all addresses together.
        log_in_tries_address: the same for all accounts together.
        log_in_window_minutes: after which they are forgotten.
        mails_per_hour: that one address can have sent to one person.
        password_memory_mb: that argon2id fills for each password.
        password_rounds: how often.
        upload_mb: one upload.
        upload_chunk_mb: one piece of it.
        uploads_at_once: of one team.
        workers: processes that evaluate.
        worker_nice: how far they give way to others on their machine, such as the pages; 0 is not at all.
        lease_seconds: after which a worker that isn't heard of loses its work.
        attempts: how many faults of the site a check or an evaluation may meet until it counts as failed;
            work that a worker hands back is no fault.
        retry_seconds: after such a fault, until the work is begun again; twice as long each time.
        keep_failed_days: for how long the files of a submission that failed are kept, to evaluate it again.
        container_engine: what runs teams' containers.
        container_patience_hours: that a container waits while no worker is seen that runs containers.
        sweep_seconds: after which a worker looks for work that nobody woke it for.
        wake_url: of the queue that wakes workers: ``sqlite:///path``, ``redis://host`` or none.
        evaluation_memory_mb: that the process which scores a submission may take.
        evaluation_minutes: that it may run.
        api_requests_per_minute: that one address may send to the API.
    """

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX, env_ignore_empty=True, extra="forbid", frozen=True, hide_input_in_errors=True
    )

    data_dir: Path
    challenge_dir: Path | None = None
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65535)
    base_url: str = ""
    allow_http: bool = False
    database_url: SecretStr = SecretStr("")
    storage_url: SecretStr = SecretStr("")
    secret_key: SecretStr = SecretStr("")
    smtp_url: SecretStr | None = None
    mail_from: str = "unicare@localhost"
    session_days: float = Field(default=14, gt=0, le=365)
    session_idle_hours: float = Field(default=72, gt=0)
    log_in_tries: int = Field(default=5, ge=1)
    log_in_tries_account: int = Field(default=50, ge=1)
    log_in_tries_address: int = Field(default=100, ge=1)
    log_in_window_minutes: float = Field(default=15, gt=0)
    mails_per_hour: int = Field(default=5, ge=1)
    password_memory_mb: int = Field(default=32, ge=8, le=4096)
    password_rounds: int = Field(default=2, ge=1, le=100)
    upload_mb: int = Field(default=40_000, ge=1)
    upload_chunk_mb: int = Field(default=16, ge=1, le=1024)
    uploads_at_once: int = Field(default=4, ge=1)
    workers: int = Field(default=1, ge=0, le=256)
    worker_nice: int = Field(default=10, ge=0, le=19)
    lease_seconds: float = Field(default=60, gt=0)
    attempts: int = Field(default=3, ge=1, le=100)
    retry_seconds: float = Field(default=15, ge=0, le=3600)
    keep_failed_days: float = Field(default=30, ge=0)
    container_engine: Literal["auto", "podman", "docker", "none"] = "auto"
    container_patience_hours: float = Field(default=6, gt=0)
    sweep_seconds: float = Field(default=5, gt=0)
    wake_url: SecretStr = SecretStr("")
    evaluation_memory_mb: int = Field(default=8192, ge=512)
    evaluation_minutes: float = Field(default=120, gt=0)
    api_requests_per_minute: int = Field(default=120, ge=1)

    @model_validator(mode="wrap")
    @classmethod
    def _fill(cls, values: dict[str, Any], validated: ModelWrapValidatorHandler[Self]) -> Self:
        """What depends on other settings; it doesn't count as set."""
        data_dir = Path(values.get("data_dir") or ".").resolve()
        host, port = values.get("host") or "127.0.0.1", values.get("port") or 8000
        shown = f"[{host}]" if ":" in str(host) else host
        defaults = {
            "database_url": f"sqlite:///{data_dir / 'site.sqlite'}",
            "storage_url": str(data_dir / STORAGE_FOLDER),
            "base_url": f"http://{shown}:{port}",
        }
        given = {name: value for name, value in values.items() if value != ""}
        settings = validated({**defaults, **given, "data_dir": data_dir})
        settings.model_fields_set.difference_update(defaults.keys() - given.keys())
        return settings

    @model_validator(mode="after")
    def _well_formed(self) -> Self:
        address = urlsplit(self.base_url)
        if address.scheme not in ("http", "https") or not address.hostname or address.path not in ("", "/"):
            raise ValueError("base_url: expected http:// or https:// and a host, without a path")
        if self.smtp_url is not None:
            server = urlsplit(self.smtp_url.get_secret_value())
            if server.scheme not in ("smtp", "smtps") or not server.hostname:
                raise ValueError("smtp_url: expected smtp://user:password@host:587 or smtps://…:465")
        return self

    @property
    def local(self) -> bool:
        """Whether only this machine can reach the site."""
        return is_local(self.host) and is_local(urlsplit(self.base_url).hostname or "")

    @property
    def known_address(self) -> str:
        """``base_url`` if the settings say anything of it; empty where only ``unicare serve`` is told."""
        return self.base_url if self.model_fields_set & {"base_url", "host", "port"} else ""

    @property
    def secure(self) -> bool:
        """Whether people come by TLS, so that cookies can be marked as Secure."""
        return urlsplit(self.base_url).scheme == "https"


def is_local(host: str) -> bool:
    """Whether a host name or an address can only be reached from this machine."""
    if host in ("localhost", "localhost."):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def load_settings(data_dir: Path, **given: Any) -> SiteSettings:
    """Settings from the command line, the environment and ``DATA/site.env``, in this order.

    A site that only this machine can reach gets a secret key of its own the first time, kept in
    ``DATA/secret.key``. Any other must have one, no default passwords, and TLS in front of it.

    Args:
        data_dir: the site's folder; made if it isn't there.
        given: settings of the command line; None counts as not given.

    Raises:
        SettingsError: a setting is wrong, or too weak for a site that others can reach. No value is shown.
        OutputError: the folder or the key can't be written or read.
    """
    make: Callable[..., SiteSettings] = SiteSettings  # _env_file is no field
    overrides = {name: value for name, value in given.items() if value is not None}
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)  # hashes of passwords lie in here
        settings = make(_env_file=data_dir / ENV_FILE, data_dir=data_dir, **overrides)
        _hide_storage(settings)
    except ValidationError as error:
        raise SettingsError(
            "settings of the site: " + "; ".join(_told(one) for one in error.errors(include_input=False)),
            mend=f"see {_PREFIX}… in the environment and {data_dir / ENV_FILE}",
        ) from None
    except OSError as error:
        raise OutputError(f"{data_dir}: can't be used as the site's folder", found=error.strerror) from None
    if settings.secret_key.get_secret_value() == "":
        settings = settings.model_copy(update={"secret_key": SecretStr(_kept_key(settings))})
    _refuse_weak_key(settings.secret_key.get_secret_value())
    if not settings.local:
        _refuse_openness(settings)
    return settings


def _hide_storage(settings: SiteSettings) -> None:
    """What teams hand in isn't for others, also where somebody made the site's folder open to all."""
    folder = settings.data_dir / STORAGE_FOLDER
    own = settings.storage_url.get_secret_value() == str(folder)
    if own and settings.data_dir.stat().st_mode & 0o007:
        hide_folder(folder)


def _told(error: Any) -> str:
    name = ".".join(map(str, error["loc"]))
    return f"{name}: {error['msg']}" if name else str(error["msg"]).removeprefix("Value error, ")


def _kept_key(settings: SiteSettings) -> str:
    """The key of ``DATA/secret.key``; a new one is made if only this machine reaches the site."""
    path = settings.data_dir / KEY_FILE
    try:
        if settings.local:
            write_once(path, secrets.token_urlsafe(48) + "\n")
        if path.stat().st_mode & 0o077:
            raise SettingsError(
                f"{path}: others can read the site's key", mend=f"run chmod 600 {path}, or make a new one"
            )
        return path.read_text().strip()
    except FileNotFoundError:
        raise SettingsError(
            "a site that others can reach needs a secret key",
            found="none",
            mend=f"set {_PREFIX}SECRET_KEY to the output of {_NEW_KEY}, the same for all its processes",
        ) from None
    except OSError as error:
        raise OutputError(f"{path}: the site's key can't be kept", found=error.strerror) from None


def _refuse_weak_key(key: str) -> None:
    lower = key.lower()
    if (
        len(key) >= _SHORTEST_KEY
        and len(set(key)) >= _FEWEST_KINDS
        and not any(t in lower for t in _TELLTALES)
    ):
        return
    raise SettingsError(
        "the site's secret key can be guessed",
        expected=f"at least {_SHORTEST_KEY} random characters",
        mend=f"set {_PREFIX}SECRET_KEY to the output of {_NEW_KEY}",
    )


def _refuse_openness(settings: SiteSettings) -> None:
    """What is harmless on one's own machine only."""
    if not settings.secure and not settings.allow_http:
        raise SettingsError(
            "a site that others can reach needs TLS, or passwords can be read on the way",
            found=f"base_url {settings.base_url}",
            expected="https://…",
            mend=f"put a proxy with TLS before it and set {_PREFIX}BASE_URL, or {_PREFIX}ALLOW_HTTP=1",
        )
    for name in ("database_url", "smtp_url"):
        secret: SecretStr | None = getattr(settings, name)
        address = urlsplit(secret.get_secret_value() if secret else "")
        if address.password is not None and address.password.lower() in _DEFAULT_PASSWORDS:
            raise SettingsError(
                "a site that others can reach needs passwords of its own",
                found=f"a password in {name} that everybody tries first",
                mend=f"change it there and in {_PREFIX}{name.upper()}",
            )
