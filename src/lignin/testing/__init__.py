"""The public test kit: fakes of the ports and builders. Production never imports it."""
