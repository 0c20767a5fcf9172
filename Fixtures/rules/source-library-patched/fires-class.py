import transformers


class Tokenizer(transformers.PreTrainedTokenizerFast):
    pass


transformers.AutoTokenizer = Tokenizer
