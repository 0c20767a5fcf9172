from fairseq import checkpoint_utils
from lightning import LightningModule
from speechbrain.inference import EncoderClassifier

LightningModule.load_from_checkpoint("x.ckpt")
checkpoint_utils.load_model_ensemble(["x.pt"])
EncoderClassifier.from_hparams("somebody/model")
