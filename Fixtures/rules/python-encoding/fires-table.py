# -*- coding: shift_jis -*-
name = "model"
