"""The few names of vLLM that the plugin uses, so that its tests need no vLLM."""

__version__ = "0.0-stub"
