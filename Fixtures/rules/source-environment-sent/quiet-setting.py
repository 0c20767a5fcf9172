import os
import wandb

wandb.init(project=os.getenv("WANDB_PROJECT", "example"))
