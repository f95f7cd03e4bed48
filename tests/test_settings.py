"""Settings are read with their defaults, and each fault is reported in a sentence without secrets."""

from collections.abc import Callable
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest

from showup.cli.settings_check import load_checked
from showup.pipeline.rules import Rules
from showup.settings import Settings, SettingsError, load, secret_names, variable_names

SECRET = "a-secret-of-at-least-thirty-two-characters"
MAIL = "smtp://ann:hunter2@mail.example.com:587"
DATABASE = "postgresql://ann:hunter2@db.example.com/showup"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in variable_names():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def load_faults(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Callable[..., list[str]]:
    def faults_of(toml: str | None = None, **variables: str) -> list[str]:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        if toml is not None:
            (folder / "showup.toml").write_text(toml)
        with pytest.raises(SettingsError) as caught:
            load()
        return caught.value.faults

    return faults_of


def test_defaults_are_enough_for_a_first_run() -> None:
    settings = load()
    assert settings.database_url is None
    assert settings.data_dir is None
    assert settings.public_url == "http://127.0.0.1:8000"
    assert settings.rules == Rules()
    assert settings.policy.configured_rules() == set()


def test_variables_and_the_env_file_are_read_and_the_variable_wins(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / ".env").write_text("SHOWUP_PORT=9000\nLOG_FORMAT=json\nOF_ANOTHER_PROGRAM=1\nSHOWUP_URL=\n")
    monkeypatch.setenv("SHOWUP_PORT", "9001")
    monkeypatch.setenv("LOG_LEVEL", "debug")
    monkeypatch.setenv("SHOWUP_TRUSTED_PROXIES", "10.0.0.0/8, 192.0.2.1")
    monkeypatch.setenv("SHOWUP_CORS_ORIGINS", "https://app.example.com,http://localhost:3000/")
    settings = load()
    assert (settings.port, settings.log_format, settings.log_level) == (9001, "json", "DEBUG")
    assert settings.trusted_proxies == (ip_network("10.0.0.0/8"), ip_network("192.0.2.1/32"))
    assert settings.cors_origins == ("https://app.example.com", "http://localhost:3000")
    assert settings.public_url == "http://127.0.0.1:9001"


@pytest.mark.parametrize("name", ["DATABASE_URL", "OUTBOUND_POSTGRES_URL"])
def test_the_database_has_two_names(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, DATABASE)
    monkeypatch.setenv("SHOWUP_SECRET_KEY", SECRET)
    url = load().database_url
    assert url is not None
    assert url.get_secret_value() == DATABASE


@pytest.mark.parametrize("name", sorted(secret_names() - {"OUTBOUND_POSTGRES_URL"}))
def test_each_secret_may_be_a_file_instead(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    value = {"SMTP_URL": MAIL}.get(name) or (DATABASE if name.startswith("DATABASE") else SECRET)
    (folder / "held").write_text(f"{value}\n")
    monkeypatch.setenv("SHOWUP_SECRET_KEY", SECRET)
    monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(f"{name}_FILE", str(folder / "held"))
    settings = load()
    field = next(key for key, info in Settings.model_fields.items() if name in str(info.validation_alias))
    assert getattr(settings, field).get_secret_value() == value
    assert value not in repr(settings)


def test_policy_is_read(folder: Path) -> None:
    (folder / "showup.toml").write_text(
        """
        [pipeline]
        cancel_deal = "last_meeting"
        personal_domains = ["Club.example"]
        fresh_for_hours = 36
        team_emails = ["Ann@Example.com"]
        [reminders]
        offsets_before = ["2d", "30m"]
        [email]
        guests = true
        [no_show_follow_up]
        enabled = true
        after = "90m"
        quiet_hours = ["20:00", "09:30"]
        rebook_url = "https://cal.com/ann"
        [[senders]]
        domain = "example.com"
        from = "team@example.com"
        [[senders]]
        from = "hello@example.org"
        """
    )
    policy = load().policy
    assert policy.rules() == Rules(
        cancel_deal="last_meeting",
        personal_domains=frozenset({"club.example"}),
        team_emails=frozenset({"ann@example.com"}),
        fresh_for=timedelta(hours=36),
        remind_before=(timedelta(days=2), timedelta(minutes=30)),
        notify_guests=True,
        follow_up=True,
        follow_up_after=timedelta(minutes=90),
        follow_up_quiet_hours=("20:00", "09:30"),
        follow_up_rebook_url="https://cal.com/ann",
    )
    assert policy.configured_rules() == {
        name for name in Rules.__struct_fields__ if getattr(policy.rules(), name) != getattr(Rules(), name)
    }
    assert [sender.address for sender in policy.senders] == ["team@example.com", "hello@example.org"]


def test_policy_path_and_testing_mode_are_configurable(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "other.toml").write_text('[reminders]\ntesting_offsets_before = ["1m"]')
    monkeypatch.setenv("SHOWUP_CONFIG", "other.toml")
    monkeypatch.setenv("TESTING_MODE", "true")
    assert load().rules.remind_before == (timedelta(minutes=1),)


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"SHOWUP_ULR": "x"}, "SHOWUP_ULR is not a setting; did you mean SHOWUP_URL?"),
        ({"SHOWUP_URL_FILE": "x"}, "SHOWUP_URL_FILE is not a setting; did you mean SHOWUP_URL?"),
        ({"SHOWUP_QQQQQQ": "x"}, "SHOWUP_QQQQQQ is not a setting."),
        ({"SHOWUP_PORT": "99999"}, "SHOWUP_PORT should be at most 65535."),
        (
            {"SHOWUP_URL": "example.com"},
            "SHOWUP_URL should be an address such as https://showup.example.com.",
        ),
        (
            {"SHOWUP_CORS_ORIGINS": "https://a.example/x"},
            "SHOWUP_CORS_ORIGINS should be an origin such as https://app.example.com, without a path.",
        ),
        (
            {"DATABASE_URL": "mysql://ann:hunter2@db/x", "SHOWUP_SECRET_KEY": SECRET},
            "DATABASE_URL should begin with postgresql://.",
        ),
        ({"SHOWUP_CONFIG": "no.toml"}, "SHOWUP_CONFIG: no.toml can't be read (No such file or directory)."),
        (
            {"CALCOM_API_KEY_FILE": "no"},
            "CALCOM_API_KEY_FILE: no can't be read (No such file or directory).",
        ),
        (
            {"CALCOM_API_KEY": "hunter2", "CALCOM_API_KEY_FILE": "no"},
            "CALCOM_API_KEY and CALCOM_API_KEY_FILE are both set: keep one of them.",
        ),
    ],
)
def test_an_invalid_variable_is_reported(
    variables: dict[str, str], sentence: str, load_faults: Callable[..., list[str]]
) -> None:
    assert load_faults(**variables) == [sentence]


@pytest.mark.parametrize(
    ("toml", "sentence"),
    [
        ("[pipelin]", "showup.toml: pipelin is not a setting; did you mean pipeline?"),
        (
            "[pipeline]\ncancel_deals = 'always'",
            "showup.toml: pipeline.cancel_deals is not a setting; did you mean pipeline.cancel_deal?",
        ),
        (
            "[[senders]]\ndomian = 'a.example'\nfrom = 'a@a.example'",
            "showup.toml: senders.domian is not a setting; did you mean senders.domain?",
        ),
        (
            "[pipeline]\nmeeting_ended = 'perhaps'",
            "showup.toml: pipeline.meeting_ended should be 'showed' or 'unreported'.",
        ),
        (
            "[reminders]\noffsets_before = ['soon']",
            "showup.toml: reminders.offsets_before should be a duration such as 30s, 30m, 24h or 3d.",
        ),
        (
            "[no_show_follow_up]\nrebook_url = 'cal.com/ann'",
            "showup.toml: no_show_follow_up.rebook_url should be a web address such as https://cal.com/ann, or empty.",
        ),
        (
            "[no_show_follow_up]\nrebook_url = 'https://[::1'",
            "showup.toml: no_show_follow_up.rebook_url should be a web address such as https://cal.com/ann, or empty.",
        ),
        *(
            (
                f"[no_show_follow_up]\nquiet_hours = {hours}",
                "showup.toml: no_show_follow_up.quiet_hours should be two times of day, from and until, such as",
            )
            for hours in ("['9pm', '08:00']", "['21:00']", "'21:00'", "['24:00', '08:00']", "[21, 8]")
        ),
        (
            "[pipeline]\nteam_emails = ['nobody']",
            "showup.toml: pipeline.team_emails should be an email address such as ann@example.com.",
        ),
        (
            "[pipeline]\nteam_domains = ['a b']",
            "showup.toml: pipeline.team_domains should be a domain such as example.com.",
        ),
        (
            "[pipeline]\nstages = ['met', 'booked']",
            "showup.toml: pipeline.stages should be a list that begins with 'booked', includes 'met' and has no",
        ),
        (
            "[pipeline]\nfresh_for_hours = 0",
            "showup.toml: pipeline.fresh_for_hours should be a number of hours from 1 to 87600.",
        ),
        (
            "[no_show_follow_up]\nafter = '0m'",
            "showup.toml: no_show_follow_up.after should be a duration of more than zero and at most 3650 days.",
        ),
        ("[no_show_follow_up]\nenable = true", "showup.toml: no_show_follow_up.enable"),
        (
            "[[senders]]\nfrom = 'a@a.example'\n[[senders]]\ndomain = 'b.example'\nfrom = 'b@b.example'",
            "showup.toml: a sender without host and domain matches every booking: put it last.",
        ),
        ("[pipeline", "showup.toml is not TOML: "),
    ],
)
def test_an_invalid_policy_key_is_named(toml: str, sentence: str, load_faults: Callable[..., list[str]]) -> None:
    (fault,) = load_faults(toml)
    assert fault.startswith(sentence)


def test_an_external_database_requires_a_secret_key(load_faults: Callable[..., list[str]]) -> None:
    (fault,) = load_faults(DATABASE_URL=DATABASE)
    assert fault.startswith("SHOWUP_SECRET_KEY is needed with DATABASE_URL")


def test_the_no_secret_placeholder_is_refused(load_faults: Callable[..., list[str]]) -> None:
    """IN2: Cal.com's placeholder for no secret is never a valid secret."""
    (fault,) = load_faults(CALCOM_WEBHOOK_SECRET="no-secret-provided")
    assert fault.startswith("CALCOM_WEBHOOK_SECRET is Cal.com's placeholder")


def test_all_faults_are_reported_at_once_without_secrets(load_faults: Callable[..., list[str]]) -> None:
    found = load_faults(
        "[pipeline]\nfresh_for_hours = 0\nnonsense = 1",
        SHOWUP_PORTS="1",
        DATABASE_URL="mysql://ann:hunter2@db/x",
        SHOWUP_ADMIN_KEY="hunter2",
        SHOWUP_SECRET_KEY=f"{SECRET},hunter2",
        TESTING_MODE="perhaps",
    )
    assert len(found) == 7
    assert not any("hunter2" in fault or SECRET in fault for fault in found)


@pytest.mark.parametrize("name", ["CALCOM_WEBHOOK_SECRET", "CALCOM_WEBHOOK_SECRET_PREVIOUS"])
def test_a_blank_webhook_secret_is_refused(name: str, folder: Path, load_faults: Callable[..., list[str]]) -> None:
    """IN2: a signature with a blank secret proves nothing."""
    (folder / "empty").write_text("\n")
    assert load_faults(**{name: "  "})[0].startswith(f"{name} is blank")
    found = load_faults(**{name: "", f"{name}_FILE": str(folder / "empty")})
    assert found == [f"{name}_FILE: {folder / 'empty'} is empty: write the secret into it, or remove the variable."]


@pytest.mark.parametrize("name", ["RESEND_API_KY", "SMPT_URL", "CALCOM_WEBHOK_SECRET", "resend_api_key"])
@pytest.mark.parametrize("in_file", [True, False])
def test_u08_a_misspelt_variable_is_named_wherever_it_is_set(
    name: str, in_file: bool, folder: Path, load_faults: Callable[..., list[str]]
) -> None:
    if in_file:
        (folder / ".env").write_text(f"{name}=hunter2\n")
    (fault,) = load_faults(**({} if in_file else {name: "hunter2"}))
    assert fault.startswith(f"{name} is not a setting; did you mean ")
    assert "hunter2" not in fault


@pytest.mark.parametrize("name", ["DATABASE_URI", "SMTP_URI", "LOGLEVEL"])
def test_u08_a_real_name_of_another_program_is_a_mistake_only_in_our_file(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch, load_faults: Callable[..., list[str]]
) -> None:
    monkeypatch.setenv(name, "x")
    load()
    monkeypatch.delenv(name)
    (folder / ".env").write_text(f"{name}=x\n")
    assert "did you mean" in load_faults()[0]


BAD_VALUES = ("https://[::1", "http://host:port", "postgresql://[::1", "smtp://mail.example.com:port", "\x7f", "é")
LIBRARY_WORDS = ("IPv6", "Port could", "cast", "ValueError", "ascii", "codec")


@pytest.mark.parametrize("value", BAD_VALUES)
@pytest.mark.parametrize("name", sorted(variable_names()))
def test_u12_whatever_a_variable_holds_its_fault_names_it_in_our_words(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOWUP_SECRET_KEY", SECRET)
    monkeypatch.setenv(name, value)
    if name == "SHOWUP_SECRET_KEY_FILE":
        monkeypatch.delenv("SHOWUP_SECRET_KEY")
    # With a token alone, a destination needs further settings: its fault begins with the kind.
    names = (name, f"{name.partition('_')[0].lower()} needs ")
    faults = checked_faults()
    assert [fault for fault in faults if not fault.startswith(names)] == []
    text = "\n".join(faults)
    assert not [words for words in (*LIBRARY_WORDS, *PYDANTIC_WORDS) if words in text], text


def checked_faults() -> list[str]:
    try:
        load_checked()
    except SettingsError as error:
        return error.faults
    return []


PYDANTIC_WORDS = ("Input", "input", "valid integer", "parse", "pydantic", "type=", "dictionary", "instance", "boolean")


@pytest.mark.parametrize(
    ("toml", "variables"),
    [
        ("", {"SHOWUP_PORT": "eighty"}),
        ("", {"SHOWUP_PORT": "-1"}),
        ("", {"TESTING_MODE": "perhaps"}),
        ("", {"SHOWUP_ALLOW_PRIVATE_ADDRESSES": "2"}),
        ("", {"LOG_LEVEL": "LOUD"}),
        ("", {"LOG_FORMAT": "xml"}),
        ("", {"SHOWUP_TRUSTED_PROXIES": "everyone"}),
        ("[[senders]]\ndomain = 'a.example'", {}),
        ("[[senders]]\nfrom = 5", {}),
        ("senders = 'ann@a.example'", {}),
        ("senders = ['ann@a.example']", {}),
        ("pipeline = 5", {}),
        ("[email]\ncalendar = 'perhaps'", {}),
        ("[email]\ntemplates = 5", {}),
        ("[email]\nretry_after = '30s'", {}),
        ("[email]\nguests = 'perhaps'", {}),
        ("[reminders]\noffsets_before = 5", {}),
        ("[pipeline]\nstages = 'met'", {}),
        ("[pipeline]\nteam_emails = 'ann@a.example'", {}),
        ("[pipeline]\nteam_domains = [5]", {}),
        ("[calcom]\ngrace = 5", {}),
        ("slack = 'on'", {}),
    ],
)
def test_u12_each_fault_is_described_in_our_words(
    toml: str, variables: dict[str, str], load_faults: Callable[..., list[str]]
) -> None:
    for fault in load_faults(toml, **variables):
        assert not [words for words in PYDANTIC_WORDS if words in fault], fault
        assert "invalid value" not in fault, fault
        assert fault.endswith(".")


def test_u12_faults_of_destinations_are_reported_together_with_all_others(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "showup.toml").write_text("[clickup]\nlists = ['901']")
    wrong = {"SHOWUP_PORT": "eighty", "SMTP_URL": "smtp://mail.example.com/inbox"}
    for name, value in ({"DATABASE_URL": "mysql://db/x", "CLICKUP_API_TOKEN": "c"} | wrong).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        load_checked()
    text = "\n".join(caught.value.faults)
    named = ("SHOWUP_SECRET_KEY", "DATABASE_URL", "SHOWUP_PORT", "SMTP_URL", "setting inbound_list")
    assert [name for name in named if name not in text] == []
