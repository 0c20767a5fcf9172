from pynput import keyboard

keyboard.Listener(on_press=print).start()
