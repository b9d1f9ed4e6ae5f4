"""The directory of a help desk over HTTP. `factory` makes the application, `extension` a part."""
