class Config:
    pass


VALUES = vars(Config())
