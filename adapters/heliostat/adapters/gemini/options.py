"""provider_options["gemini"]: what Gemini takes beyond the normalized request."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from heliostat.adapters.gemini.catalog import Traits
from heliostat.adapters.sdk import MeshError, Options
from heliostat.api.image.v1 import reason_pb2 as reasons

Label = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{0,63}$")]
Threshold = Literal["BLOCK_LOW_AND_ABOVE", "BLOCK_MEDIUM_AND_ABOVE", "BLOCK_ONLY_HIGH", "BLOCK_NONE", "OFF"]


class GeminiOptions(Options):
    """Each option goes to the models that know it; to ask it of another one is an error."""

    temperature: float | None = Field(None, ge=0, le=2, description="0 plain to 2 daring")
    top_p: float | None = Field(None, ge=0, le=1, description="Share of the likely words that are drawn from")
    thinking_level: Literal["minimal", "medium", "high"] | None = Field(
        None, description="How long the model thinks; its thoughts are charged"
    )
    system_instruction: str | None = Field(None, max_length=32_000, description="What holds for every prompt")
    safety_threshold: Threshold | None = Field(
        None, description="From where on all four categories of harm are blocked"
    )
    person_generation: Literal["ALLOW_ALL", "ALLOW_ADULT", "ALLOW_NONE"] | None = Field(
        None, description="Which people may be drawn; Vertex AI only"
    )
    labels: dict[Label, Label] | None = Field(None, max_length=64, description="Labels of the bill; Vertex AI only")

    def check(self, model: str, traits: Traits) -> None:
        """Raises INVALID_FIELD for an option that the model does not take."""
        self.given("gemini", model, traits.options)
        if self.thinking_level and self.thinking_level not in traits.thinks:
            message = f"{model} thinks at these levels only: {', '.join(traits.thinks)}."
            raise MeshError(reasons.ERROR_REASON_INVALID_FIELD, message, field="provider_options.gemini.thinking_level")

    def generation(self) -> dict[str, Any]:
        """Those that stand in generationConfig."""
        level = {"thinkingLevel": self.thinking_level} if self.thinking_level else None
        fields = {"temperature": self.temperature, "topP": self.top_p, "thinkingConfig": level}
        return {name: value for name, value in fields.items() if value is not None}
