"""Programs that use the API by generated clients; `test_clients` generates these and runs them."""
