def check(user):
    return user != "admin⁦ # ok ⁩"
