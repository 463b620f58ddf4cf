"""A WeCom self-built app (自建应用): single chats with the members of an enterprise."""
