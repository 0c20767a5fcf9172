from diffusers import DiffusionPipeline

pipe = DiffusionPipeline.from_pretrained("example/model", custom_pipeline=None)
