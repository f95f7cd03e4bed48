"""Defines every setting, with its type and default; only this module reads the environment, `.env` and showup.toml.

Environment variables configure the deployment, and showup.toml configures policy. `load` returns all settings, or
reports every fault at once.
"""

import difflib
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from urllib.parse import SplitResult, urlsplit

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    BeforeValidator,
    Field,
    IPvAnyNetwork,
    SecretStr,
    ValidationError,
)
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    NoDecode,
    SettingsConfigDict,
)

from showup.pipeline.rules import Rules
from showup.policy import Policy
from showup.values.near_name import nearest_name

POLICY_FILE = "showup.toml"
_NO_SECRET = "no-secret-provided"  # noqa: S105 - Cal.com's signing key when it has no secret
_KEY_LENGTH = 32
# Real names of other programs' variables: in the environment, they are no misspelt names of ours.
_OTHER_PROGRAMS = frozenset({"DATABASE_URI", "DATABASE_URLS", "LOGFORMAT", "LOGLEVEL", "LOG_LEVELS", "SMTP_URI"})
_MAKE_KEY = "create one with: python3 -c 'import secrets; print(secrets.token_urlsafe(32))'"


class SettingsError(Exception):
    """Raised when the settings are invalid.

    `faults` has one sentence for each thing to correct, and contains no secret. `usable` are the settings without the
    invalid ones, so that further checks can report their faults too.
    """

    def __init__(self, faults: list[str], usable: "Settings | None" = None) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults
        self.usable = usable


def _split_commas(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _to_upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


def _split_url(url: str, expected: str) -> SplitResult:
    """Returns the parts of a URL whose host and port are readable. Raises ValueError in our words."""
    try:
        parts = urlsplit(url.strip())
        _ = parts.port
    except ValueError:
        raise ValueError(expected) from None
    return parts


def _check_address(text: str) -> str:
    expected = "should be an address such as https://showup.example.com"
    parts = _split_url(text, expected)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(expected)
    return text.strip().rstrip("/")


def _check_origin(text: str) -> str:
    if urlsplit(_check_address(text)).path:
        raise ValueError("should be an origin such as https://app.example.com, without a path")
    return _check_address(text)


def _check_postgres_url(url: SecretStr) -> SecretStr:
    if url.get_secret_value().strip().partition("://")[0] not in ("postgres", "postgresql"):
        raise ValueError("should begin with postgresql://")
    return url


def _check_smtp_url(url: SecretStr) -> SecretStr:
    expected = "should be an address such as smtp://user:password@mail.example.com:587"
    parts = _split_url(url.get_secret_value(), expected)
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise ValueError(expected)
    return url


def _check_webhook_secret(secret: SecretStr) -> SecretStr:
    if not secret.get_secret_value().strip():
        raise ValueError("is blank, so anyone could sign webhooks: choose a secret, or remove the variable")
    if secret.get_secret_value() == _NO_SECRET:
        raise ValueError("is Cal.com's placeholder for no secret: choose a secret, and set it at Cal.com too")
    return secret


def _check_key_length(secret: SecretStr) -> SecretStr:
    if any(len(key.strip()) < _KEY_LENGTH for key in secret.get_secret_value().split(",")):
        raise ValueError(f"should have {_KEY_LENGTH} characters or more: {_MAKE_KEY}")
    return secret


Address = Annotated[str, AfterValidator(_check_address)]
Origin = Annotated[str, AfterValidator(_check_origin)]
DatabaseUrl = Annotated[SecretStr, AfterValidator(_check_postgres_url)]
SmtpUrl = Annotated[SecretStr, AfterValidator(_check_smtp_url)]
WebhookSecret = Annotated[SecretStr, AfterValidator(_check_webhook_secret)]
StrongKeys = Annotated[SecretStr, AfterValidator(_check_key_length)]
LogLevel = Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], BeforeValidator(_to_upper)]
CommaSeparated = BeforeValidator(_split_commas)
Origins = Annotated[tuple[Origin, ...], NoDecode, CommaSeparated]


class Settings(BaseSettings):
    """Holds all settings. A field's alias is its environment variable; .env.example explains each."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_ignore_empty=True,
        case_sensitive=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    database_url: DatabaseUrl | None = Field(
        default=None, validation_alias=AliasChoices("DATABASE_URL", "OUTBOUND_POSTGRES_URL")
    )
    database_direct_url: DatabaseUrl | None = Field(default=None, validation_alias="DATABASE_DIRECT_URL")
    data_dir: Path | None = Field(default=None, validation_alias="SHOWUP_DATA_DIR")
    run_as: str | None = Field(default=None, validation_alias="SHOWUP_RUN_AS")
    host: str = Field(default="127.0.0.1", validation_alias="SHOWUP_HOST")
    port: int = Field(default=8000, ge=0, le=65535, validation_alias="SHOWUP_PORT")
    url: Address | None = Field(default=None, validation_alias="SHOWUP_URL")
    drain_seconds: float = Field(default=0, ge=0, le=300, validation_alias="SHOWUP_DRAIN_SECONDS")
    trusted_proxies: Annotated[tuple[IPvAnyNetwork, ...], NoDecode, CommaSeparated] = Field(
        default=(), validation_alias="SHOWUP_TRUSTED_PROXIES"
    )
    cors_origins: Origins = Field(default=(), validation_alias="SHOWUP_CORS_ORIGINS")
    secret_key: StrongKeys | None = Field(default=None, validation_alias="SHOWUP_SECRET_KEY")
    admin_key: StrongKeys | None = Field(default=None, validation_alias="SHOWUP_ADMIN_KEY")
    backup_passphrase: SecretStr | None = Field(default=None, validation_alias="SHOWUP_BACKUP_PASSPHRASE")
    config: Path | None = Field(default=None, validation_alias="SHOWUP_CONFIG")
    testing_mode: bool = Field(default=False, validation_alias="TESTING_MODE")
    calcom_webhook_secret: WebhookSecret | None = Field(default=None, validation_alias="CALCOM_WEBHOOK_SECRET")
    calcom_webhook_secret_previous: WebhookSecret | None = Field(
        default=None, validation_alias="CALCOM_WEBHOOK_SECRET_PREVIOUS"
    )
    calcom_api_key: SecretStr | None = Field(default=None, validation_alias="CALCOM_API_KEY")
    calcom_api_url: Address = Field(default="https://api.cal.com/v2", validation_alias="CALCOM_API_URL")
    calcom_client_id: str | None = Field(default=None, validation_alias="CALCOM_CLIENT_ID")
    calcom_client_secret: SecretStr | None = Field(default=None, validation_alias="CALCOM_CLIENT_SECRET")
    anthropic_api_key: SecretStr | None = Field(default=None, validation_alias="ANTHROPIC_API_KEY")
    anthropic_base_url: Address | None = Field(default=None, validation_alias="ANTHROPIC_BASE_URL")
    anthropic_model: str = Field(default="claude-sonnet-5-5", max_length=100, validation_alias="ANTHROPIC_MODEL")
    mcp_key: SecretStr | None = Field(default=None, validation_alias="SHOWUP_MCP_KEY")
    resend_api_key: SecretStr | None = Field(default=None, validation_alias="RESEND_API_KEY")
    resend_api_url: Address = Field(default="https://api.resend.com", validation_alias="RESEND_API_URL")
    resend_webhook_secret: SecretStr | None = Field(default=None, validation_alias="RESEND_WEBHOOK_SECRET")
    smtp_url: SmtpUrl | None = Field(default=None, validation_alias="SMTP_URL")
    clickup_api_token: SecretStr | None = Field(default=None, validation_alias="CLICKUP_API_TOKEN")
    clickup_api_url: Address | None = Field(default=None, validation_alias="CLICKUP_API_URL")
    notion_token: SecretStr | None = Field(default=None, validation_alias="NOTION_TOKEN")
    notion_api_url: Address | None = Field(default=None, validation_alias="NOTION_API_URL")
    notion_contacts_database: str | None = Field(default=None, validation_alias="NOTION_BUSINESSX_DB_ID")
    notion_sequences_database: str | None = Field(default=None, validation_alias="NOTION_EMAIL_SEQUENCE_DB_ID")
    slack_bot_token: SecretStr | None = Field(default=None, validation_alias="SLACK_BOT_TOKEN")
    slack_signing_secret: SecretStr | None = Field(default=None, validation_alias="SLACK_SIGNING_SECRET")
    slack_api_url: Address | None = Field(default=None, validation_alias="SLACK_API_URL")
    emailbison_api_key: SecretStr | None = Field(default=None, validation_alias="EMAILBISON_API_KEY")
    emailbison_url: Address | None = Field(default=None, validation_alias="EMAILBISON_URL")
    prefect_api_url: Address | None = Field(default=None, validation_alias="PREFECT_API_URL")
    prefect_api_key: SecretStr | None = Field(default=None, validation_alias="PREFECT_API_KEY")
    twilio_account_sid: str | None = Field(default=None, validation_alias="TWILIO_ACCOUNT_SID")
    twilio_auth_token: SecretStr | None = Field(default=None, validation_alias="TWILIO_AUTH_TOKEN")
    twilio_from: str | None = Field(default=None, validation_alias="TWILIO_FROM")
    twilio_api_url: Address | None = Field(default=None, validation_alias="TWILIO_API_URL")
    private_addresses: bool = Field(default=False, validation_alias="SHOWUP_ALLOW_PRIVATE_ADDRESSES")
    log_level: LogLevel = Field(default="INFO", validation_alias="LOG_LEVEL")
    log_format: Literal["console", "json"] = Field(default="console", validation_alias="LOG_FORMAT")
    # No variable can have a dot in its name, so policy comes only from the file.
    policy: Policy = Field(default_factory=Policy, validation_alias=POLICY_FILE)

    @property
    def public_url(self) -> str:
        """Returns the public URL of this Showup, without a trailing slash."""
        return self.url or f"http://{self.host}:{self.port}"

    @property
    def rules(self) -> Rules:
        """Returns the rules that showup.toml and TESTING_MODE set."""
        return self.policy.rules(testing=self.testing_mode)


def reveal(secret: SecretStr | None) -> str | None:
    """Returns a secret in plain text, for code that must use it."""
    return None if secret is None else secret.get_secret_value()


def load() -> Settings:
    """Loads this process's settings from its environment and working folder. Raises `SettingsError`."""
    variables = _variables()
    faults = list(_unknown_variables(variables))
    overrides = _read_secret_files(variables, faults) | _read_policy_file(variables, faults)
    faults.extend(_missing_key(variables, overrides))
    try:
        settings = Settings(**overrides)
    except ValidationError as error:
        details = error.errors(include_input=False, include_url=False)
        faults.extend(_format_error(detail, variables) for detail in details)
        invalid = {str(detail["loc"][0]) for detail in details}
        raise SettingsError(faults, Settings(**overrides | _defaults(invalid))) from None
    if faults:
        raise SettingsError(faults, settings)
    return settings


def _missing_key(variables: Mapping[str, str], overrides: Mapping[str, Any]) -> Iterator[str]:
    # The embedded database stores its own key in its data folder; an external database has no such folder.
    present = variables.keys() | overrides.keys()
    is_external = any(name in present or f"{name}_FILE" in present for name in _variables_of("database_url"))
    if is_external and not {"SHOWUP_SECRET_KEY", "SHOWUP_SECRET_KEY_FILE"} & present:
        yield f"SHOWUP_SECRET_KEY is needed with DATABASE_URL: {_MAKE_KEY}."


def _defaults(names: set[str]) -> dict[str, Any]:
    """Returns the default of each field that one of these variables sets."""
    return {
        str(names_of[0]): info.get_default(call_default_factory=True)
        for field, info in Settings.model_fields.items()
        if names & {*(names_of := _variables_of(field) or [POLICY_FILE]), field}
    }


def variable_names() -> frozenset[str]:
    """Returns the name of every variable that is a setting.

    They include `OUTBOUND_POSTGRES_URL` and the `…_FILE` variables of secrets.
    """
    names = {name for field in Settings.model_fields for name in _variables_of(field)}
    return frozenset(names | {f"{name}_FILE" for name in secret_names()})


def secret_names() -> frozenset[str]:
    """Returns the name of every variable that holds a secret; each may be read from a file instead."""
    fields = Settings.model_fields.items()
    return frozenset(
        name for field, info in fields if "SecretStr" in str(info.annotation) for name in _variables_of(field)
    )


def _variables_of(field: str) -> list[str]:
    alias = Settings.model_fields[field].validation_alias
    names = alias.choices if isinstance(alias, AliasChoices) else [alias]
    return [name for name in names if isinstance(name, str) and name != POLICY_FILE]


def _variables() -> dict[str, str]:
    """Returns the variables of `.env` and of the environment, which wins."""
    of_file, of_environment = _non_empty(DotEnvSettingsSource(Settings)), _non_empty(EnvSettingsSource(Settings))
    # A machine's environment has variables of other programs; `.env` is Showup's own file.
    return of_file | {name: value for name, value in of_environment.items() if name not in _OTHER_PROGRAMS}


def _non_empty(source: EnvSettingsSource) -> dict[str, str]:
    return {name: value for name, value in source.env_vars.items() if value}


def _unknown_variables(variables: Iterable[str]) -> Iterator[str]:
    known = variable_names()
    for name in sorted(set(variables) - known):
        if name.startswith("SHOWUP_"):
            yield f"{name} is not a setting{_suggestion(name, known)}"
        elif (nearest := nearest_name(name, known)) is not None:
            yield f"{name} is not a setting; did you mean {nearest}?"


def _read_secret_files(variables: Mapping[str, str], faults: list[str]) -> dict[str, Any]:
    secrets: dict[str, Any] = {}
    for name in sorted(secret_names()):
        path = variables.get(f"{name}_FILE")
        if path is None:
            continue
        if name in variables:
            faults.append(f"{name} and {name}_FILE are both set: keep one of them.")
            continue
        try:
            secret = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            faults.append(f"{name}_FILE: {path} can't be read ({_reason(error)}).")
            continue
        if secret:
            secrets[name] = secret
        else:
            faults.append(f"{name}_FILE: {path} is empty: write the secret into it, or remove the variable.")
    return secrets


def _read_policy_file(variables: Mapping[str, str], faults: list[str]) -> dict[str, Any]:
    path = Path(variables.get("SHOWUP_CONFIG", POLICY_FILE))
    if "SHOWUP_CONFIG" not in variables and not path.exists():
        return {}
    try:
        return {POLICY_FILE: tomllib.loads(path.read_text(encoding="utf-8"))}
    except OSError as error:
        faults.append(f"SHOWUP_CONFIG: {path} can't be read ({_reason(error)}).")
    except ValueError as error:
        faults.append(f"{path} is not TOML: {error}.")
    return {}


def _reason(error: OSError | UnicodeDecodeError) -> str:
    return (error.strerror or "input/output error") if isinstance(error, OSError) else "it is not UTF-8 text"


def policy_faults(error: ValidationError, file: str) -> list[str]:
    """Returns a sentence for each fault of a policy file that is not this process's own."""
    details = error.errors(include_input=False, include_url=False)
    return [_policy_fault(detail, detail["loc"], file) for detail in details]


def _format_error(detail: ErrorDetails, variables: Iterable[str]) -> str:
    first, *inner = detail["loc"]
    if first == POLICY_FILE:
        return _policy_fault(detail, inner, POLICY_FILE)
    # A setting with two names is reported under the first one, whichever was set.
    names = next(names for field in Settings.model_fields if first in (names := _variables_of(field)))
    return f"{next((name for name in names if name in variables), first)} {_message(detail)}."


def _policy_fault(detail: ErrorDetails, place: Iterable[int | str], file: str) -> str:
    key = ".".join(part for part in place if isinstance(part, str))
    if detail["type"] == "extra_forbidden":
        return f"{file}: {key} is not a setting{_suggestion(key, _policy_keys(Policy))}"
    return f"{file}: {f'{key} {_message(detail)}'.strip()}."


# Our words for the kinds of errors that pydantic reports in its own.
_MESSAGES: Mapping[str, str] = {
    "missing": "is missing",
    **dict.fromkeys(("int_parsing", "int_type", "int_from_float"), "should be a whole number"),
    "bool_parsing": "should be true or false",
    "bool_type": "should be true or false",
    "string_type": "should be a text in quotes",
    "path_type": "should be a path in quotes",
    "path_error": "should be a path in quotes",
    "list_type": "should be a list",
    "tuple_type": "should be a list",
    "frozen_set_type": "should be a list",
    "set_type": "should be a list",
    "dict_type": "should be a table",
    "model_type": "should be a table",
    "model_attributes_type": "should be a table",
    "ip_any_network": "should be addresses or networks such as 10.0.0.0/8, separated by commas",
    "less_than_equal": "should be at most {le}",
    "greater_than_equal": "should be at least {ge}",
    "less_than": "should be less than {lt}",
    "greater_than": "should be more than {gt}",
    "too_long": "should have at most {max_length} entries",
    "too_short": "should have at least {min_length} entries",
    "string_too_long": "should have at most {max_length} characters",
    "string_too_short": "should have at least {min_length} characters",
    "literal_error": "should be {expected}",
    "enum": "should be {expected}",
}


def _message(detail: ErrorDetails) -> str:
    if detail["type"] == "value_error":
        return detail["msg"].removeprefix("Value error, ")
    return _MESSAGES.get(detail["type"], "has an invalid value").format(**detail.get("ctx", {}))


def _suggestion(name: str, known: Iterable[str]) -> str:
    matches = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.75)
    return f"; did you mean {matches[0]}?" if matches else "."


def _policy_keys(table: type[BaseModel], under: str = "") -> Iterator[str]:
    for field, info in table.model_fields.items():
        yield (key := f"{under}{info.alias or field}")
        for kind in (info.annotation, *get_args(info.annotation)):
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from _policy_keys(kind, f"{key}.")
