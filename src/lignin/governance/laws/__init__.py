"""Pure decisions about requests that leave a sandbox."""
