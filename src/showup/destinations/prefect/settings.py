"""A Prefect connection's settings: the server, the deployment, and the parameters of its flow."""

from typing import Annotated, Final

from msgspec import Meta, field

from showup.destinations.destination_kind import ConnectionSettings, InvalidSetting
from showup.destinations.field_words import described
from showup.destinations.prefect.render import VALUES

_MAX_PARAMETERS: Final = 50


class PrefectSettings(ConnectionSettings, frozen=True, kw_only=True):
    """The settings of a Prefect connection.

    `api_url`: the server's API, such as `http://127.0.0.1:4200/api`. `deployment`: the deployment to run, as
    `flow/deployment`. `parameters` maps a parameter of the flow to one of Showup's values (`customer_email` to
    `email`); also as text, `customer_email=email, when=meeting_time`. Empty: each value goes to the flow's parameter of
    the same name.
    """

    api_url: Annotated[
        Annotated[str, Meta(max_length=2_000)] | None,
        described(
            "Address of Prefect’s API",
            "Ends with /api, in Prefect Cloud with the workspace. It must be public and begin with https://.",
            example="https://prefect.example.com/api",
            is_needed=True,
        ),
    ] = None
    deployment: Annotated[
        str,
        Meta(max_length=500),
        described(
            "Deployment", "Flow and deployment, as `prefect deployment ls` prints them.", example="reminder/production"
        ),
    ]
    parameters: Annotated[
        dict[str, str] | str,
        described(
            "Parameters of the flow",
            f"One a line: the parameter, and the value that it gets, of {', '.join(VALUES)}. Empty: by their names.",
            example="customer_email = email",
        ),
    ] = field(default_factory=dict)

    def check(self) -> None:
        """Raises InvalidSetting for invalid settings."""
        if not self.api_url:
            raise InvalidSetting(
                "api_url is missing: set PREFECT_API_URL, or api_url, to the address of Prefect's API, such as "
                "http://127.0.0.1:4200/api",
                "api_url",
            )
        self.deployment_names()
        self.parameter_values()

    def deployment_names(self) -> tuple[str, str]:
        """Returns the names of the flow and of the deployment. Raises ValueError."""
        flow, _, name = self.deployment.partition("/")
        if not flow.strip() or not name.strip() or "/" in name:
            raise InvalidSetting(
                "deployment is invalid: set it to the names of the flow and of the deployment, as `prefect deployment "
                "ls` prints them, such as reminder/production",
                "deployment",
            )
        return flow.strip(), name.strip()

    def parameter_values(self) -> dict[str, str]:
        """Returns Showup's value for each parameter of the flow; empty: by their names. Raises ValueError."""
        if isinstance(self.parameters, dict):
            pairs = dict(self.parameters)
        else:
            parts = (part.partition("=") for part in self.parameters.split(",") if part.strip())
            pairs = {name.strip(): value.strip() for name, _, value in parts}
        if len(pairs) > _MAX_PARAMETERS:
            because = f"parameters has {len(pairs)} entries: at most {_MAX_PARAMETERS} are possible"
            raise InvalidSetting(because, "parameters")
        for parameter, value in pairs.items():
            if not parameter or value not in VALUES:
                because = (
                    f"parameters: {parameter!r} can't get the value {value!r} (the values are {', '.join(VALUES)})"
                )
                raise InvalidSetting(because, "parameters")
        return pairs
