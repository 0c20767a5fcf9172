import builtins

setattr(builtins, "profile", lambda function: function)
