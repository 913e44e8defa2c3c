"""One frozen configuration, read once: a TOML file, with the environment above it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from scheduler.exceptions import WrongUse
from scheduler.sections.crawl import Crawl
from scheduler.sections.judge import Judge
from scheduler.sections.mail import Mail
from scheduler.sections.replies import Replies, imap
from scheduler.sections.retention import Retention
from scheduler.sections.source import Source
from scheduler.sections.watch import Watch, dsn
from scheduler.sections.web import Web

SECRETS = (
    "TALLYWATCH_DATABASE_URL",
    "TALLYWATCH_SMTP_URL",
    "TALLYWATCH_IMAP_URL",
    "TALLYWATCH_WEB_SECRET",
    "SENTRY_DSN",
)
"""Variables that may hold a password: each may be given as NAME_FILE, the path of a file that holds it."""


def default_home() -> Path:
    """Return where tallywatch keeps its things: /var/lib/tallywatch for root, else ~/.local/share/tallywatch."""
    return Path("/var/lib/tallywatch") if os.geteuid() == 0 else Path.home() / ".local/share/tallywatch"


class Config(BaseSettings):
    """Everything that can be configured. See `deploy/env.example` and the README for what each means."""

    model_config = SettingsConfigDict(
        env_prefix="TALLYWATCH_", env_nested_delimiter="__", frozen=True, extra="forbid", env_ignore_empty=True
    )

    home: Path = Field(default_factory=default_home)
    database_url: SecretStr | None = None
    smtp_url: SecretStr | None = None
    imap_url: Annotated[SecretStr | None, AfterValidator(imap)] = None
    sentry_dsn: Annotated[SecretStr | None, AfterValidator(dsn)] = None
    web_secret: SecretStr | None = Field(default=None, min_length=32)  # signs links; else the database keeps a key
    mail: Mail = Mail()
    crawl: Crawl = Crawl()
    judge: Judge = Judge()
    watch: Watch = Watch()
    web: Web = Web()
    replies: Replies = Replies()
    retention: Retention = Retention()
    sources: dict[str, Source] = Field(default_factory=dict)

    @field_validator("home")
    @classmethod
    def absolute(cls, value: Path) -> Path:
        """Expand ~ and make the path absolute: the working directory may change."""
        return value.expanduser().absolute()

    @field_validator("smtp_url")
    @classmethod
    def smtp(cls, value: SecretStr | None) -> SecretStr | None:
        """Accept the three forms of an SMTP address."""
        if value is not None and not re.match(r"(smtp|smtp\+starttls|smtps)://[^/]", value.get_secret_value()):
            raise ValueError("must begin with smtp://, smtp+starttls:// or smtps://")
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - not used: one file is enough
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - X_FILE is simpler to say
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let arguments win over the environment, and the environment over the file."""
        toml = settings_cls.model_config.get("toml_file")
        file = (TomlConfigSettingsSource(settings_cls, toml),) if toml else ()
        return init_settings, env_settings, *file


def find_file(given: Path | None) -> Path | None:
    """Return the configuration file: the one named, else tallywatch.toml here or in the home, else none.

    Raises WrongUse when the one that was named does not exist.
    """
    named = given or (Path(os.environ["TALLYWATCH_CONFIG"]) if os.environ.get("TALLYWATCH_CONFIG") else None)
    if named is not None:
        if not named.is_file():
            raise WrongUse(f"there is no configuration file {named}")
        return named
    home = Path(os.environ.get("TALLYWATCH_HOME") or default_home()).expanduser()
    return next((path for path in (Path("tallywatch.toml"), home / "tallywatch.toml") if path.is_file()), None)


def load(given: Path | None = None) -> Config:
    """Read the configuration.

    Raises WrongUse with the name of the first wrong value and the reason; a secret's value is never repeated.
    """
    file = find_file(given)
    secrets = {name.removeprefix("TALLYWATCH_").lower(): value for name in SECRETS if (value := secret(name))}

    class Here(Config):
        model_config = SettingsConfigDict(toml_file=file)

    try:
        return Here(**secrets)  # type: ignore[arg-type] # pydantic turns the strings into secrets
    except ValidationError as error:
        raise WrongUse(explain(error, file)) from error
    except ValueError as error:  # TOML that does not parse, an environment variable that is not JSON
        raise WrongUse(f"the configuration cannot be read: {error}" + (f" ({file})" if file else "")) from error


def secret(name: str) -> str | None:
    """Return a secret from the variable, or from the file that NAME_FILE names.

    A bare name is looked up among the credentials that systemd gives to a unit (`LoadCredential=`), if it does.

    Raises WrongUse when the file cannot be read.
    """
    path = os.environ.get(f"{name}_FILE")
    if not path:
        return os.environ.get(name) or None
    try:
        return (Path(os.environ.get("CREDENTIALS_DIRECTORY", "")) / path).read_text("utf-8").strip()
    except OSError as error:
        raise WrongUse(f"{name}_FILE names {path}, which cannot be read: {error.strerror}") from error


def explain(error: ValidationError, file: Path | None) -> str:
    """Say which value is wrong and why, in one sentence, without repeating the value."""
    first = error.errors(include_input=False, include_url=False)[0]
    name = ".".join(str(part) for part in first["loc"])
    name = name.upper() if name.upper() in SECRETS else name  # the one without our prefix
    where = f" in {file} or the environment" if file else " in the environment"
    return f"the setting {name}{where} is wrong: {first['msg'].removeprefix('Value error, ')}"
