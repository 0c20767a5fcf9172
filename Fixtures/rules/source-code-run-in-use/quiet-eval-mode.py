class Model:
    def forward(self, x):
        self.eval()
        return x
