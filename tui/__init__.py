"""The live screen. It is handed a `Source` and knows no socket, no table and no file.

`day` folds a source's messages; `views`, `headline` and `budgets` turn the day into rows and lines
(pure, tested without Textual); `app`, `widgets` and `screens` draw them.
"""
