import graphviz

graphviz.Source("digraph { a -> b }").render(engine="dot")
