import venv

venv.create("/tmp/place", with_pip=True)
