"""The sandbox's controls: emulated providers are made to fail, and what they bill is counted twice."""
