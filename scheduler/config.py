"""One frozen configuration, read once: a TOML file, with the environment above it."""

from __future__ import annotations

import os
import re
from email.errors import HeaderParseError
from email.headerregistry import Address as HeaderAddress
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from scheduler.exceptions import WrongUse


def deliverable(text: str) -> str:
    """Accept a bare address as a header can hold it. Raises ValueError."""
    try:
        HeaderAddress(addr_spec=text).domain.encode("ascii")
    except (HeaderParseError, UnicodeError) as error:
        raise ValueError("is not an e-mail address such as desk@example.org") from error
    if "@" not in text or len(text) > LONGEST_ADDRESS:
        raise ValueError("is not an e-mail address such as desk@example.org")
    return text


LONGEST_ADDRESS = 254
"""RFC 5321 leaves no room for more."""

Address = Annotated[str, AfterValidator(deliverable)]
SECRETS = ("TALLYWATCH_DATABASE_URL", "TALLYWATCH_SMTP_URL", "SENTRY_DSN")
"""Variables that may hold a password: each may be given as NAME_FILE, the path of a file that holds it."""


class Section(BaseModel):
    """A table of the file: unknown keys are mistakes, values do not change."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Recipient(Section):
    """Who gets mails, and in which language."""

    address: Address
    language: Literal["en", "uk"] = "en"


class Mail(Section):
    """`[mail]`: from whom, to whom."""

    sender: Address = Field(default="tallywatch@localhost.localdomain", alias="from")
    to: tuple[Recipient, ...] = ()
    follow_up_minutes: int = Field(default=15, ge=0)  # least distance of two mails of one thread

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    @property
    def readers(self) -> tuple[Recipient, ...]:
        """Return who is mailed: without any recipient, the Maildir's own reader."""
        return self.to or (Recipient(address="desk@localhost.localdomain"),)

    @field_validator("to", mode="before")
    @classmethod
    def plain_addresses(cls, value: Any) -> Any:
        """Accept plain addresses beside tables with a language, and one address where a list is meant."""
        entries = [value] if isinstance(value, str) else value
        if not isinstance(entries, list | tuple):
            return entries
        return tuple({"address": entry} if isinstance(entry, str) else entry for entry in entries)


class Crawl(Section):
    """`[crawl]`: how we introduce ourselves."""

    contact: str | None = Field(default=None, max_length=200)  # a URL or address, in the User-Agent


class Judge(Section):
    """`[judge]`: the only knob of the checks."""

    alarm_budget: int = Field(default=12, ge=1, le=366)  # false trend days a year, all metrics together


class Source(BaseModel):
    """`[sources.NAME]`: what a source's own declaration is overridden with."""

    model_config = ConfigDict(frozen=True, extra="allow")

    enabled: bool | None = None
    base_url: str | None = None
    interval_minutes: int | None = Field(default=None, ge=1)

    @field_validator("base_url")
    @classmethod
    def http(cls, value: str | None) -> str | None:
        """Accept http and https only."""
        if value is not None and not re.match(r"https?://[^/]", value):
            raise ValueError("must begin with http:// or https://")
        return value

    def options(self) -> dict[str, Any]:
        """Return the keys that only this source knows."""
        return dict(self.model_extra or {})


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
    sentry_dsn: SecretStr | None = None
    mail: Mail = Mail()
    crawl: Crawl = Crawl()
    judge: Judge = Judge()
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

    Raises WrongUse when the file cannot be read.
    """
    path = os.environ.get(f"{name}_FILE")
    if not path:
        return os.environ.get(name) or None
    try:
        return Path(path).read_text("utf-8").strip()
    except OSError as error:
        raise WrongUse(f"{name}_FILE names {path}, which cannot be read: {error.strerror}") from error


def explain(error: ValidationError, file: Path | None) -> str:
    """Say which value is wrong and why, in one sentence, without repeating the value."""
    first = error.errors(include_input=False, include_url=False)[0]
    name = ".".join(str(part) for part in first["loc"])
    where = f" in {file} or the environment" if file else " in the environment"
    return f"the setting {name}{where} is wrong: {first['msg'].removeprefix('Value error, ')}"
