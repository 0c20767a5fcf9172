class Base:
    def __init_subclass__(cls):
        eval("1")


class Child(Base):
    pass
