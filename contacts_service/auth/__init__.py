"""Who may call: API keys, JWTs, scopes and the rule of each route."""
