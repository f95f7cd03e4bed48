"""A Prefect connection's settings: the server, the deployment, and the parameters of its flow."""

from typing import Annotated, Final

from msgspec import Meta, field

from showup.destinations.destination_kind import ConnectionSettings
from showup.destinations.prefect.render import VALUES

_MAX_PARAMETERS: Final = 50


class PrefectSettings(ConnectionSettings, frozen=True, kw_only=True):
    """The settings of a Prefect connection.

    `api_url`: the server's API, such as `http://127.0.0.1:4200/api`. `deployment`: the deployment to run, as
    `flow/deployment`. `parameters` maps a parameter of the flow to one of Showup's values (`customer_email` to
    `email`); also as text, `customer_email=email, when=meeting_time`. Empty: each value goes to the flow's parameter of
    the same name.
    """

    deployment: Annotated[str, Meta(max_length=500)]
    parameters: dict[str, str] | str = field(default_factory=dict)

    def check(self) -> None:
        """Raises ValueError for invalid settings."""
        if not self.api_url:
            raise ValueError(
                "api_url is missing: set PREFECT_API_URL, or api_url, to the address of Prefect's API, such as "
                "http://127.0.0.1:4200/api"
            )
        self.deployment_names()
        self.parameter_values()

    def deployment_names(self) -> tuple[str, str]:
        """Returns the names of the flow and of the deployment. Raises ValueError."""
        flow, _, name = self.deployment.partition("/")
        if not flow.strip() or not name.strip() or "/" in name:
            raise ValueError(
                "deployment is invalid: set it to the names of the flow and of the deployment, as `prefect deployment "
                "ls` prints them, such as reminder/production"
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
            raise ValueError(f"parameters has {len(pairs)} entries: at most {_MAX_PARAMETERS} are possible")
        for parameter, value in pairs.items():
            if not parameter or value not in VALUES:
                raise ValueError(
                    f"parameters: {parameter!r} can't get the value {value!r} (the values are {', '.join(VALUES)})"
                )
        return pairs
