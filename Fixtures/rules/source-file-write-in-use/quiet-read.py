from torch import nn


class Model(nn.Module):
    def forward(self, input_ids):
        open("/tmp/table.txt", "r").close()
        return input_ids
