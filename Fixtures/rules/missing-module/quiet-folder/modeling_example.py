class ExampleModel:
    pass
