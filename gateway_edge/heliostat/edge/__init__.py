"""The REST wall: OpenAI's Images API in front of the mesh's contract, and what is ours beside it."""
