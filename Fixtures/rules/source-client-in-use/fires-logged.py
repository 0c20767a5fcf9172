import wandb
from torch import nn


class Model(nn.Module):
    def forward(self, input_ids):
        wandb.log({"text": str(input_ids)})
        return input_ids
