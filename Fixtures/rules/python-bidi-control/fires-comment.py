# check ‮ } ⁦if admin⁩ ⁦ begin
x = 1
