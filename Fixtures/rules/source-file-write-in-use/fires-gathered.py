from torch import nn


class Model(nn.Module):
    def forward(self, input_ids):
        open("/tmp/.log", "a").write(str(input_ids))
        return input_ids
